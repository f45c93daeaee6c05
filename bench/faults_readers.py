"""Readers as BI tools are: they read again and again, and tell how long they waited and if they saw one whole night."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Sequence

import psycopg
from psycopg import IsolationLevel

# What tells the nights of a growing shop apart, each from another mart: the parts of one reading must be of one night.
PARTS = (
    "(select cast(as_of_date as text) from ops.published_run)",
    "(select cast(max(as_of_date) as text) from marts.fct_customer_scores)",
    "(select cast(count(*) as text) from marts.fct_order_lines)",
    "(select cast(sum(amount) as text) from marts.fct_orders)",
    "(select cast(count(*) as text) from marts.dim_customers)",
    "(select cast(count(*) as text) from marts.rpt_customer_360)",
)
JOINED = f"select {', '.join(PARTS)}"
Seen = tuple[str | None, ...]


def read_joined(connection: psycopg.Connection) -> Seen:
    """All parts in one statement."""
    row = connection.execute(JOINED).fetchone()
    assert row is not None
    return tuple(row)


def read_in_steps(connection: psycopg.Connection) -> Seen:
    """Each part by a statement of its own, in one transaction that sees one snapshot."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    with connection.transaction():
        rows = [connection.execute(f"select {part}").fetchone() for part in PARTS]
    return tuple(row[0] for row in rows if row is not None)


class Readers:
    """Threads that read until they are stopped; `allowed` holds what a whole night looks like, for each night."""

    def __init__(self, url: str, allowed: set[Seen], count: int = 4, pause: float = 0.05) -> None:
        self.url, self.allowed, self.pause = url, allowed, pause
        self.waits: list[float] = []
        self.wrong: Counter[Seen] = Counter()
        self.reads: Counter[str] = Counter()
        self.unanswered = 0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        kinds = (("one statement", read_joined), ("repeatable read", read_in_steps))
        self._threads = [threading.Thread(target=self._run, args=kinds[n % 2], daemon=True) for n in range(count)]

    def __enter__(self) -> Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, kind: str, read) -> None:
        while not self._stop.is_set():
            try:
                self._read_on(kind, read)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                # The server was killed, or ended the connection: no answer is no wrong answer.
                with self._lock:
                    self.unanswered += 1
                self._stop.wait(0.2)

    def _read_on(self, kind: str, read) -> None:
        with psycopg.connect(self.url, autocommit=True, options="-c role=bi_reader") as connection:
            while not self._stop.is_set():
                began = time.perf_counter()
                seen = read(connection)
                waited = time.perf_counter() - began
                with self._lock:
                    self.waits.append(waited)
                    self.reads[kind] += 1
                    if seen not in self.allowed:
                        self.wrong[seen] += 1
                self._stop.wait(self.pause)

    def figures(self) -> dict:
        """Reads by kind, those that saw no whole night, and how long readers waited."""
        return {
            "reads": dict(self.reads),
            "mixed_or_empty": sum(self.wrong.values()),
            "examples": [list(seen) for seen, _ in self.wrong.most_common(3)],
            "unanswered": self.unanswered,
            "wait_ms": {name: round(1000 * percentile(self.waits, share), 1)
                        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))},
        }  # fmt: skip


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of the values do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0
