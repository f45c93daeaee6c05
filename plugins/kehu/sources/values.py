"""How values of a source travel: JSON read and written without loss, and instants that know their offset."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import simplejson

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def parse_json(content: bytes) -> Any:
    """The value of a JSON text; numbers with decimals become `Decimal`, so 1.10 stays 1.10.

    Raises
    ------
    ValueError
        For bytes that are not UTF-8 or not JSON; NaN and Infinity are not JSON.
    """
    return simplejson.loads(content.decode("utf-8-sig"), use_decimal=True)


def json_text(value: Any) -> str:
    """A value as compact JSON, keys in order, decimals as they came: the same value is always the same text."""
    text = simplejson.dumps(value, use_decimal=True, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    # Half of a surrogate pair is legal as an escape in JSON but not in UTF-8, so it goes back to its escape.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def instant(text: Any) -> datetime | None:
    """The instant an ISO 8601 text names, in UTC; None for anything else. Without an offset it is taken as UTC."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or timezone.utc).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def instant_of_milliseconds(value: Any) -> datetime | None:
    """The instant of a number (or a number as text) of milliseconds since the epoch; None for anything else."""
    try:
        return EPOCH + timedelta(milliseconds=int(value))
    except (TypeError, ValueError, OverflowError):
        return None


def milliseconds(moment: datetime) -> int:
    """Milliseconds since the epoch, without a detour over floats."""
    return (moment - EPOCH) // timedelta(milliseconds=1)
