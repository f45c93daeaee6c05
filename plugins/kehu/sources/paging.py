"""What can go wrong between pages, and how it is noticed."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import TypeVar

from kehu.sources.http import TransientError

Mark = TypeVar("Mark", bound=Hashable)


class PageGuard:
    """Remembers the pages of one listing; a page that was there before, or a cursor that leads back, is refused.

    A mark stands for one row as it was told (its id, or its id and its time of change).
    """

    def __init__(self) -> None:
        self._marks: set[Hashable] = set()
        self._cursors: set[str] = set()
        self.has_repeats = False

    def check(self, marks: Collection[Hashable], next_cursor: str | None = None) -> None:
        """Look at a page before it is taken.

        Raises
        ------
        TransientError
            If all its rows were told before, or its cursor was used before.
        """
        if marks and all(mark in self._marks for mark in marks):
            raise TransientError("the same page came again")
        if next_cursor is not None and next_cursor in self._cursors:
            raise TransientError("the cursor leads back to a page that was read")

    def take(self, marks: Collection[Hashable]) -> None:
        """Remember a page; `has_repeats` tells from then on if any row came twice: rows moved between pages."""
        before = len(self._marks)
        self._marks.update(marks)
        self.has_repeats = self.has_repeats or len(self._marks) - before < len(marks)

    def use(self, cursor: str) -> None:
        """Remember a cursor that a request goes out with."""
        self._cursors.add(cursor)


def in_groups(items: Collection[Mark], size: int) -> list[list[Mark]]:
    """The items in groups of at most `size`."""
    listed = list(items)
    return [listed[start : start + size] for start in range(0, len(listed), size)]
