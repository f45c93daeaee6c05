"""Read the registry of customer tags and say in one line what is wrong with it."""

from __future__ import annotations

import sys

from kehu.paths import DBT_PROJECT, tag_registry
from kehu.tags.registry import TagError, load


def main() -> int:
    """Check; 1 if the night would refuse the file, or use what a model left that is gone."""
    models = {file.stem for file in (DBT_PROJECT / "models").rglob("*.sql")}
    try:
        for tag in load(tag_registry()):
            if tag.model and tag.model not in models:
                raise TagError(f"tag {tag.id}: model: there is no model {tag.model}")
    except TagError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
