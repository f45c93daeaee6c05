"""A CRM's book of people or companies: records entered twice, merged, corrected, deleted and restored.

What both CRMs share; each renders the versions in its own shape.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from world import copies
from world.seeds import NEVER
from world.span import DAY, Span

Ints = npt.NDArray[np.int64]
TWICE = 0.09  # subjects entered a second time
MERGED = 0.55  # of those, merged later
CORRECTED = 0.3
REMOVED = 0.006
RESTORED = 0.006
CONTENT, RECYCLED, PERMANENT = range(3)


@dataclass(frozen=True)
class Versions:
    """Versions in no order: the record, when this version came to be, up to when facts are known, and what it is."""

    record: Ints
    at: Ints
    known_at: Ints
    kind: Ints


@dataclass(frozen=True)
class Book:
    """One element a record; `subject` is a person or company of the chunk, `winner` the record itself if not merged."""

    subject: Ints
    created_at: Ints
    winner: Ints
    merged_at: Ints
    deleted_at: Ints
    restored_at: Ints
    draws: npt.NDArray[np.float64]
    first: Ints  # by subject: the first record, -1 without
    second: Ints  # by subject: the one entered again, -1 without

    def __len__(self) -> int:
        return len(self.subject)

    def record_of(self, subject: Ints, at: Ints, choice: npt.NDArray[np.float64]) -> Ints:
        """The record a colleague finds for a subject at a time, -1 for none; with two of them either one."""
        subject = np.where(subject >= 0, subject, len(self.first) - 1)
        first, second = self.first[subject], self.second[subject]
        finds_second = (second >= 0) & (choice < 0.5) & (np.append(self.created_at, NEVER)[second] <= at)
        record = np.where(finds_second, second, first)
        return np.where(np.append(self.created_at, NEVER)[record] <= at, record, -1)

    def current(self, record: Ints, at: Ints) -> Ints:
        """The record that stands for `record` at a time: itself, or what it was merged into; -1 stays."""
        merged = at >= np.append(self.merged_at, NEVER)[record]
        return np.where(merged, np.append(self.winner, -1)[record], record)

    def relinks(self, record: Ints, created_at: Ints) -> tuple[Ints, Ints]:
        """Which children (by place) are given a new parent when theirs is merged away, and when."""
        merged_at = np.append(self.merged_at, NEVER)[record]
        child = np.flatnonzero((merged_at < NEVER) & (merged_at > created_at))
        return child, merged_at[child]


def open_book(rng: np.random.Generator, subjects: Ints, created_at: Ints, count_subjects: int, span: Span) -> Book:
    """Enter each subject at its time, some twice, and decide what becomes of the records."""
    again = np.flatnonzero(rng.random(len(subjects)) < TWICE)
    again_at = created_at[again] + rng.integers(3 * DAY, 250 * DAY, len(again))
    in_time = again_at < span.until - DAY
    again, again_at = again[in_time], again_at[in_time]
    subject, created = np.concatenate([subjects, subjects[again]]), np.concatenate([created_at, again_at])
    twin = len(subjects) + np.arange(len(again))
    winner, merged_at = np.arange(len(subject)), np.full(len(subject), NEVER)
    merges = np.flatnonzero(rng.random(len(again)) < MERGED)
    at = again_at[merges] + rng.integers(2 * DAY, 120 * DAY, len(merges))
    keeps_first = rng.random(len(merges)) < 0.6
    lost = np.where(keeps_first, twin[merges], again[merges])
    in_time = at < span.until
    lost, kept = lost[in_time], np.where(keeps_first, again[merges], twin[merges])[in_time]
    winner[lost], merged_at[lost] = kept, at[in_time]
    deleted, restored = _removals(rng, created, (merged_at < NEVER) | np.isin(np.arange(len(subject)), kept), span)
    places = np.full((2, count_subjects + 1), -1)
    places[0, subjects], places[1, subject[twin]] = np.arange(len(subjects)), twin
    draws = copies.draw(rng, len(subject))
    return Book(subject, created, winner, merged_at, deleted, restored, draws, places[0], places[1])


def _removals(
    rng: np.random.Generator, created: Ints, is_merged: npt.NDArray[np.bool_], span: Span
) -> tuple[Ints, Ints]:
    """When records not merged are deleted, and when some of these come back; NEVER otherwise."""
    u = rng.random(len(created))
    at = created + DAY + (rng.random(len(created)) * np.maximum(span.until - created - 8 * DAY, 1)).astype(np.int64)
    deleted = np.where((u < REMOVED + RESTORED) & ~is_merged & (at < span.until - 7 * DAY), at, NEVER)
    back = (u < RESTORED) & (deleted < NEVER)
    return deleted, np.where(back, at + rng.integers(3600, 6 * DAY, len(at)), NEVER)


def versions(rng: np.random.Generator, book: Book, span: Span, extra: tuple[Ints, Ints] | None = None) -> Versions:
    """All versions of the book's records; `extra` are further changes (record, at), such as a parent merged away."""
    count = len(book)
    everyone = np.arange(count)
    corrected = np.flatnonzero(rng.random(count) < CORRECTED)
    corrected_at = book.created_at[corrected] + 60
    corrected_at += (rng.random(len(corrected)) * np.maximum(span.until - corrected_at, 1)).astype(np.int64)
    lost = np.flatnonzero(book.merged_at < NEVER)
    back = np.flatnonzero(book.restored_at < NEVER)
    gone = np.flatnonzero(book.deleted_at < NEVER)
    is_final = book.restored_at[gone] == NEVER
    extra_record, extra_at = extra if extra else (lost[:0], lost[:0])
    parts = [
        (everyone, book.created_at, CONTENT),
        (corrected, corrected_at, CONTENT),
        (book.winner[lost], book.merged_at[lost], CONTENT),
        (back, book.restored_at[back], CONTENT),
        (extra_record, extra_at, CONTENT),
        (lost, book.merged_at[lost], RECYCLED),
        (gone[~is_final], book.deleted_at[gone[~is_final]], RECYCLED),
        (gone[is_final], book.deleted_at[gone[is_final]], PERMANENT),
    ]
    record, at = (np.concatenate([part[n] for part in parts]) for n in range(2))
    kind = np.concatenate([np.full(len(part[0]), part[2]) for part in parts])
    known_at = _known_at(book, record, at, (corrected, corrected_at), (book.winner[lost], book.merged_at[lost]))
    kept = (kind != CONTENT) | _is_alive(book, record, at)
    return Versions(record[kept], at[kept], known_at[kept], kind[kept])


def _known_at(book: Book, record: Ints, at: Ints, *lookups: tuple[Ints, Ints]) -> Ints:
    """When somebody last looked at the facts: at the creation, a correction or a merge, whichever came last by `at`."""
    known = book.created_at[record]
    for looked_up, looked_at in lookups:
        when = np.full(len(book), NEVER)
        when[looked_up] = looked_at
        known = np.where(when[record] <= at, np.maximum(known, when[record]), known)
    return known


def _is_alive(book: Book, record: Ints, at: Ints) -> npt.NDArray[np.bool_]:
    is_away = (at >= book.deleted_at[record]) & (at < book.restored_at[record])
    return (at < book.merged_at[record]) & ~is_away
