"""Read the registry of customer tags and say in one line what is wrong with it."""

from __future__ import annotations

import sys

from kehu.paths import tag_registry
from kehu.tags.registry import TagError, load


def main() -> int:
    """Check; 1 if the night would refuse the file."""
    try:
        load(tag_registry())
    except TagError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
