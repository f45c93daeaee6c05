"""Models as bytes and back: skops, the same bytes for the same model, read only if hash and types are as expected.

skops names the parts of a model by their addresses in memory, and a zip file knows the time of day. Both are replaced
by running numbers and a fixed day, so that the hash of the bytes is a hash of the model.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from typing import Any

import skops.io as skops

SCHEMA = "schema.json"
FIRST_DAY = (1980, 1, 1, 0, 0, 0)


class RegistryError(RuntimeError):
    """A stored model is not what was stored, or the registry was asked for what it cannot do; nothing was loaded."""


def dump(estimator: Any) -> bytes:
    """The estimator as a skops file; equal models give equal bytes, in any process and at any time."""
    with zipfile.ZipFile(io.BytesIO(skops.dumps(estimator))) as told:
        parts = {name: told.read(name) for name in told.namelist()}
    schema = json.loads(parts.pop(SCHEMA))
    numbers: dict[int, int] = {}
    names: dict[str, str] = {}
    numbered = _numbered(schema, numbers, names, frozenset(parts))
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        _write(archive, SCHEMA, json.dumps(numbered, separators=(",", ":")).encode())
        for old, new in names.items():
            _write(archive, new, parts[old])
    return whole.getvalue()


def digest(content: bytes) -> str:
    """SHA-256 of a model's bytes, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def load(content: bytes, sha256: str, trusted: Sequence[str], kinds: Sequence[str], name: str) -> Any:
    """The estimator that `dump` made the bytes of.

    Parameters
    ----------
    content
        The bytes as they are stored.
    sha256
        What the registry wrote down of them.
    trusted
        Full names of types that the file may hold beside those that skops itself holds to be harmless.
    kinds
        Full names of the classes that the estimator itself may be of.
    name
        What to call the model in an error.

    Raises
    ------
    RegistryError
        If the hash is another one, the bytes are no skops file (a pickle, say), or a type is not trusted.
    """
    if digest(content) != sha256:
        raise RegistryError(f"{name}: the stored bytes have been changed (their SHA-256 is another one)")
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise RegistryError(f"{name}: not a skops file")
    try:
        unknown = sorted(set(skops.get_untrusted_types(data=content)) - set(trusted))
    except Exception as error:
        raise RegistryError(f"{name}: not a skops file that can be read ({type(error).__name__})") from None
    if unknown:
        raise RegistryError(f"{name}: holds types that are not trusted: {', '.join(unknown)}")
    try:
        estimator = skops.loads(content, trusted=list(trusted))
    except Exception as error:
        raise RegistryError(f"{name}: cannot be put together again ({type(error).__name__})") from None
    kind = f"{type(estimator).__module__}.{type(estimator).__qualname__}"
    if kind not in kinds:
        raise RegistryError(f"{name}: is a {kind}, expected {' or '.join(kinds)}")
    return estimator


def _numbered(node: Any, numbers: dict[int, int], names: dict[str, str], parts: frozenset[str]) -> Any:
    """The schema with addresses and names of parts replaced by numbers in the order in which they come."""
    if isinstance(node, list):
        return [_numbered(value, numbers, names, parts) for value in node]
    if isinstance(node, dict):
        return {
            key: numbers.setdefault(value, len(numbers) + 1)
            if key == "__id__"
            else _numbered(value, numbers, names, parts)
            for key, value in node.items()
        }
    if isinstance(node, str) and node in parts:
        suffix = node[node.rindex(".") :]
        return names.setdefault(node, f"{len(names) + 1}{suffix}")
    return node


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, FIRST_DAY), content)
