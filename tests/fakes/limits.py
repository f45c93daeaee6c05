"""Time that tests can move, and limits that count calls in a window of it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

Clock = Callable[[], datetime]


def real_time() -> datetime:
    return datetime.now(timezone.utc)


class MovableClock:
    """Stands still until it is moved."""

    def __init__(self, start: datetime | None = None) -> None:
        self.now = start or datetime(2026, 1, 5, 9, 0, tzinfo=timezone.utc)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Window:
    """At most `most` calls in the last `seconds`; None for no limit."""

    def __init__(self, most: int | None, seconds: float, clock: Clock) -> None:
        self.most = most
        self.length = timedelta(seconds=seconds)
        self.clock = clock
        self.calls: deque[datetime] = deque()
        self.lock = threading.Lock()

    def take(self) -> bool:
        """Count this call and say yes, or refuse it uncounted."""
        with self.lock:
            self._forget()
            if self.most is not None and len(self.calls) >= self.most:
                return False
            self.calls.append(self.clock())
            return True

    def used(self) -> int:
        with self.lock:
            self._forget()
            return len(self.calls)

    def _forget(self) -> None:
        oldest = self.clock() - self.length
        while self.calls and self.calls[0] <= oldest:
            self.calls.popleft()
