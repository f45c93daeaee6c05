"""Read the registry of lists for action and say in one line what is wrong with it."""

from __future__ import annotations

import sys

from kehu.lists.registry import ListError, load
from kehu.paths import DBT_PROJECT, list_registry


def main() -> int:
    """Check; 1 if the night would refuse the file."""
    models = {file.stem for file in (DBT_PROJECT / "models/list_candidates").glob("*.sql")}
    try:
        for one in load(list_registry()):
            if one.model not in models:
                raise ListError(f"list {one.id}: model: there is no model {one.model} in models/list_candidates")
    except ListError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
