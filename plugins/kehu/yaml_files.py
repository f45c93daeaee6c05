"""How files that people edit are read: YAML's safe loader, which refuses a name that is there twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


class RepeatedKey(Exception):
    """A mapping says something twice; YAML's reader would pass over the first in silence."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


class Loader(yaml.SafeLoader):
    """YAML's safe loader, which refuses a name that is there twice: what it named first would go missing unseen."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if (key.tag, key.value) in seen:
                    raise RepeatedKey(key.start_mark.line + 1)
                seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)


class YamlFileError(ValueError):
    """A file that cannot be read as YAML; the message names the file and, where known, the line."""


def read(path: Path) -> Any:
    """The content of a file that people edit.

    Raises
    ------
    YamlFileError
        If it cannot be opened, is no YAML, or says something twice.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader)  # noqa: S506  # a safe loader
    except OSError as error:
        raise YamlFileError(f"{path.name}: the file cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise YamlFileError(f"{path.name}: {str(error).splitlines()[0]}") from None
    except RepeatedKey as error:
        raise YamlFileError(f"{path.name}: a field is there twice, line {error.line}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise YamlFileError(f"{path.name}: not YAML{f', line {mark.line + 1}' if mark else ''}") from None


def load(path: Path, model: type[M], entries: str, kind: str, error_type: type[Exception]) -> M:
    """A file that holds a list `entries` of things of some kind, checked as `model`.

    Raises
    ------
    Exception
        Of type `error_type`, with one line that names the file or the entry, and the field, if the file cannot be read
        or does not fit the model.
    """
    try:
        content = read(path)
    except YamlFileError as error:
        raise error_type(str(error)) from None
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise error_type(f"{path.name}: {_first_complaint(error, content, entries, kind)}") from None


def _first_complaint(error: ValidationError, content: Any, entries: str, kind: str) -> str:
    """In one line: the entry of the list `entries` (named by its kind and id), the field, and what is wrong with it."""
    first = error.errors(include_url=False)[0]
    place = list(first["loc"])
    if len(place) > 1 and place[0] == entries and isinstance(place[1], int):
        told = content[entries][place[1]]
        name = told.get("id") if isinstance(told, dict) else None
        place[:2] = [f"{kind} {name}" if name else f"{kind} number {place[1] + 1}"]
    return ": ".join([*map(str, place), first["msg"].removeprefix("Value error, ")])
