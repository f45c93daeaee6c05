"""The twelve faults every connector survives, and the plan of when they strike."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any


class Fault(Enum):
    """What may go wrong between a good service and its caller."""

    TOO_MANY_REQUESTS = auto()
    SERVER_ERROR = auto()
    TIME_OUT = auto()
    RESET = auto()
    TRUNCATED_PAGE = auto()
    REPEATED_PAGE = auto()
    CURSOR_LOOP = auto()
    TOKEN_EXPIRED = auto()
    HTML = auto()
    EMPTY = auto()
    CUT_GZIP = auto()
    SLOW_DRIP = auto()


@dataclass
class Plan:
    """One fault: spares `after` matching requests, then strikes `times` (None: forever)."""

    fault: Fault
    after: int = 0
    times: int | None = 1
    path: str = ""
    token_requests: bool = False  # strike the token endpoint, which is otherwise spared
    retry_after: float | None = None  # TOO_MANY_REQUESTS and SERVER_ERROR
    seconds: float = 30.0  # TIME_OUT: how long the answer is held
    pause: float = 0.05  # SLOW_DRIP: between two bytes
    within_body: bool = False  # RESET: after half of the body rather than before any
    fresh_cursors: bool = False  # CURSOR_LOOP: the looping cursor is written differently each time
    seen: int = 0
    hits: int = 0

    def concerns(self, path: str, is_token: bool) -> bool:
        return is_token == self.token_requests and self.path in path

    @property
    def spent(self) -> bool:
        return self.times is not None and self.hits >= self.times


class Faults:
    """The plans of one server. The first plan that may strike does; one fault a request."""

    def __init__(self) -> None:
        self._plans: list[Plan] = []
        self._lock = threading.Lock()

    def plan(
        self,
        fault: Fault,
        after: int = 0,
        times: int | None = 1,
        path: str = "",
        **options: Any,
    ) -> Plan:
        """Add a fault; `options` are the further fields of `Plan`."""
        plan = Plan(fault, after, times, path, **options)
        with self._lock:
            self._plans.append(plan)
        return plan

    def reset(self) -> None:
        """Forget all plans and their hits."""
        with self._lock:
            self._plans.clear()

    @property
    def hits(self) -> int:
        return self.hits_of(None)

    def hits_of(self, fault: Fault | None) -> int:
        """Hits of one fault, or of all."""
        with self._lock:
            return sum(plan.hits for plan in self._plans if fault in (None, plan.fault))

    def claim(self, path: str, is_token: bool, possible: Callable[[Fault], bool]) -> Plan | None:
        """The plan that strikes this request. A fault that is not possible here waits for a request where it is."""
        chosen = None
        with self._lock:
            for plan in self._plans:
                if not plan.concerns(path, is_token):
                    continue
                plan.seen += 1
                if chosen or plan.spent or plan.seen <= plan.after or not possible(plan.fault):
                    continue
                plan.hits += 1
                chosen = plan
        return chosen
