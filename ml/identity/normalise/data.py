"""The word lists beside this file, each read once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ml.identity.normalise.letters import words_of

FOLDER = Path(__file__).parent


@cache
def load(name: str) -> Any:
    """What `<name>.yml` beside this file says."""
    return yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))


@cache
def placeholders(kind: str) -> frozenset[str]:
    """The entries of `placeholders.yml` under `kind`, folded, words joined by a space."""
    return frozenset(" ".join(words_of(str(entry), digits=True)) for entry in load("placeholders")[kind])
