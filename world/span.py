"""The days a world tells of, and how its times are written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

DAY = 86_400
EPOCH = date(1970, 1, 1)
Times = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Span:
    """First and last day, both told of; all times are seconds since the epoch, UTC."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"the span ends on {self.end}, which is not after its start {self.start}")

    @property
    def days(self) -> int:
        """How many days there are."""
        return (self.end - self.start).days + 1

    @property
    def begin(self) -> int:
        """The first second."""
        return (self.start - EPOCH).days * DAY

    @property
    def until(self) -> int:
        """The first second after the span."""
        return self.begin + self.days * DAY

    def day_of(self, at: Times) -> Times:
        """Days since the start, 0 for the first."""
        return (at - self.begin) // DAY

    def name(self, day: int) -> str:
        """A day as YYYY-MM-DD."""
        return (self.start + timedelta(days=int(day))).isoformat()

    def holds(self, at: Times) -> npt.NDArray[np.bool_]:
        """Whether the times lie in the span."""
        return (at >= self.begin) & (at < self.until)


def iso(at: Times, suffix: str = "+00:00", separator: str = "T") -> list[str]:
    """ISO 8601 with seconds, in UTC; `separator` stands between day and time."""
    texts = np.datetime_as_string(np.asarray(at, dtype="datetime64[s]"), unit="s").tolist()
    if separator != "T":
        return [f"{text[:10]}{separator}{text[11:]}{suffix}" for text in texts]
    return [text + suffix for text in texts]


def iso_date(at: Times) -> list[str]:
    """The day of each time as YYYY-MM-DD."""
    return np.datetime_as_string(np.asarray(at, dtype="datetime64[s]"), unit="D").tolist()


def daytime(rng: np.random.Generator, day: Times) -> Times:
    """A time between 07:00 and 21:00 on each of these days (seconds since the epoch of midnight)."""
    return day + (rng.triangular(7.0, 13.0, 21.0, len(day)) * 3600).astype(np.int64)
