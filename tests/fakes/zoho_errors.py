"""How Zoho says no: one code, two shapes."""

from __future__ import annotations

import itertools
import threading
from typing import Any, Literal

from tests.fakes.exchange import Answer

Shape = Literal["flat", "data", "alternate"]

MESSAGES = {
    "AMBIGUITY_DURING_PROCESSING": "page and page_token cannot be given together",
    "AUTHENTICATION_FAILURE": "Authentication failed",
    "DISCRETE_PAGINATION_LIMIT_EXCEEDED": "use page_token for records beyond the limit",
    "EXPIRED_VALUE": "the given page_token has expired",
    "INVALID_DATA": "invalid data",
    "INVALID_MODULE": "The module name given seems to be invalid",
    "INVALID_TOKEN": "invalid oauth token",
    "INVALID_URL_PATTERN": "Please check if the URL trying to access is a correct one",
    "LIMIT_EXCEEDED": "more values than allowed",
    "NO_PERMISSION": "permission denied",
    "OAUTH_SCOPE_MISMATCH": "invalid oauth scope to access this URL",
    "PAGINATION_LIMIT_EXCEEDED": "records beyond the limit cannot be listed",
    "REQUIRED_PARAM_MISSING": "One of the expected parameters is missing",
    "TOKEN_BOUND_DATA_MISMATCH": "the page_token belongs to another user or other parameters",
    "TOO_MANY_REQUESTS": "Too many requests fired in the given time",
}
STATUS = {
    "AUTHENTICATION_FAILURE": 401,
    "INVALID_TOKEN": 401,
    "INVALID_URL_PATTERN": 404,
    "INTERNAL_ERROR": 500,
    "NO_PERMISSION": 403,
    "OAUTH_SCOPE_MISMATCH": 401,
    "TOO_MANY_REQUESTS": 429,
}


class ZohoError(Exception):
    """A refusal on its way to the caller."""

    def __init__(self, code: str, status: int | None = None, **details: Any) -> None:
        super().__init__(code)
        self.code = code
        self.status = status or STATUS.get(code, 400)
        self.details = details

    def fields(self) -> dict[str, Any]:
        message = MESSAGES.get(self.code, self.code.replace("_", " ").lower())
        return {"code": self.code, "details": self.details, "message": message, "status": "error"}


class ErrorShaper:
    """Writes errors flat, inside `data`, or by turns."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self._turn = itertools.count()
        self._lock = threading.Lock()

    def answer(self, error: ZohoError) -> Answer:
        with self._lock:
            nested = self.shape == "data" or (self.shape == "alternate" and next(self._turn) % 2 == 1)
        return Answer(error.status, {"data": [error.fields()]} if nested else error.fields())
