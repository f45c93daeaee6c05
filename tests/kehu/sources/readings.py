"""What the tests of all readers share."""

from __future__ import annotations

import simplejson

from kehu.sources.http import Patience

QUICK = Patience(
    attempts=4,
    first_wait_seconds=0.001,
    longest_wait_seconds=0.002,
    read_seconds=0.4,
    answer_seconds=0.8,
    file_seconds=2.0,
)


def take(pages):
    """All versions of a reading, and its outcome."""
    versions = []
    while True:
        try:
            versions += next(pages)
        except StopIteration as stop:
            return versions, stop.value


def records(versions) -> dict[str, dict]:
    """The living versions, each record exactly once."""
    living = [one for one in versions if not one.is_deleted]
    by_id = {one.record_id: simplejson.loads(one.record, use_decimal=True) for one in living}
    assert len(by_id) == len(living)
    return by_id
