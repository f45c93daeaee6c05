"""How files that people edit are read: YAML's safe loader, which refuses a name that is there twice."""

from __future__ import annotations

from typing import Any

import yaml


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
