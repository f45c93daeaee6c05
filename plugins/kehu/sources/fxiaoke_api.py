"""Calls to Fxiaoke's OpenAPI: HTTP is always 200 there, what happened is told by `errorCode`."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime, timezone
from typing import Any, Protocol

import httpx
from pyrate_limiter import Duration, Limiter, Rate

from kehu.sources.contract import Credentials, SourceError, SourceUnavailable
from kehu.sources.fxiaoke_token import Style, grant, signature
from kehu.sources.http import Answer, Http, Patience, TransientError, base_url
from kehu.warehouse.tokens import MARGIN_SECONDS, AccessToken, Grant, Tokens

DEFAULT_HOST = "open.fxiaoke.com"
CALLS_A_WINDOW, WINDOW_SECONDS = 100, 20  # per interface
TOKEN_EXPIRED = 20016
PASSING = {-1, 14001, 30004, 50009}
QUOTA_USED = {30002: "the day's quota of calls is used up", 30003: "the tenant has no quota of calls"}
ERRORS = {
    10006: "the app secret or permanent code is not accepted",
    10013: "the offset is beyond what a query may show",
    15003: "the app has no permission: grant it this object and interface",
    20014: "the app has no permission: grant it this object and interface",
    20020: "the app has no permission: grant it this object and interface",
    32000: "the parameters are not accepted",
}


class CallBudget(Protocol):
    """Calls made per UTC day, counted for all tasks together."""

    def add(self, day: date, n: int) -> int:
        """Add calls; return the day's count."""
        ...


class FxiaokeApi:
    """Signed calls, each counted against the day's budget before it is made."""

    def __init__(
        self,
        source: str,
        credentials: Credentials,
        style: Style,
        tokens: Tokens,
        budget: CallBudget | None,
        daily_calls: int,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        base = base_url(source, credentials.host or DEFAULT_HOST, credentials.port, credentials.schema)
        self._source, self._style, self._tokens = source, style, tokens
        self._budget, self._daily_calls = budget, daily_calls
        self._limiters: dict[str, Limiter] = {}
        self._http = Http(source, base, patience, self._before_call, transport, sleep)
        self._credentials = credentials
        self._token: AccessToken | None = None

    @property
    def count_calls(self) -> int:
        """Requests made so far, those for tokens and second tries included."""
        return self._http.count_calls

    def call(
        self, path: str, body: Mapping[str, Any], refused: Callable[[dict[str, Any]], object] | None = None
    ) -> dict[str, Any]:
        """The answer to one call; `refused` sees it before it counts as whole and may raise `TransientError`.

        Raises
        ------
        SourceError, SourceUnavailable
            As `errorCode` says; also if the day's calls are spent.
        """
        if self._token is None or not self._token.lives(MARGIN_SECONDS):
            self._token = self._tokens.token(self._grant())
        told = self._signed(path, body, refused)
        if _code(told) == TOKEN_EXPIRED:
            # Sooner than announced: the vendor hands out the same token for a while, whoever asks.
            self._token = self._tokens.renew(self._grant(), self._token.value)
            told = self._signed(path, body, refused)
        return self._accepted(path, told)

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()
        for limiter in self._limiters.values():
            limiter.close()

    def _signed(self, path: str, body: Mapping[str, Any], refused: Callable[[dict[str, Any]], object] | None) -> Any:
        assert self._token is not None
        signed = signature(self._style, self._token)
        return self._post(path, {**signed.members, **body}, signed.headers, refused)

    def _unsigned(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._accepted(path, self._post(path, body))

    def _post(
        self,
        path: str,
        body: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        refused: Callable[[dict[str, Any]], object] | None = None,
    ) -> Any:
        def look(answer: Answer) -> None:
            code = _code(answer.json)
            if code in PASSING:
                raise TransientError(f"errorCode {code}")
            if refused and code == 0:
                refused(answer.json)

        # A new trace id for each try: the vendor may take a repeated one for the same call.
        return self._http.request("POST", path, params=_trace, json=body, headers=headers, refused=look).json

    def _accepted(self, path: str, told: Any) -> dict[str, Any]:
        code = _code(told)
        if code == 0:
            return told
        if code in QUOTA_USED:
            raise SourceUnavailable(self._source, path, f"{QUOTA_USED[code]} (errorCode {code})")
        if code in ERRORS:
            raise SourceError(self._source, path, f"{ERRORS[code]} (errorCode {code})")
        if code == TOKEN_EXPIRED:
            raise SourceUnavailable(self._source, path, f"a fresh token was refused (errorCode {code})")
        raise SourceUnavailable(self._source, path, f"errorCode {code}")

    def _grant(self) -> Grant:
        return grant(self._source, self._style, self._credentials, self._unsigned)

    def _before_call(self, path: str) -> None:
        """Wait for the interface's turn, then take one call of the day's budget; none is made beyond it."""
        if path not in self._limiters:
            self._limiters[path] = Limiter(Rate(CALLS_A_WINDOW, WINDOW_SECONDS * Duration.SECOND))
        self._limiters[path].try_acquire(path)
        if self._budget is None:
            return
        today = datetime.now(timezone.utc).date()
        if self._budget.add(today, 1) > self._daily_calls:
            self._budget.add(today, -1)
            reason = f"the {self._daily_calls} calls that are allowed a day are used; it goes on tomorrow (UTC)"
            raise SourceUnavailable(self._source, path, reason)


def _trace() -> dict[str, str]:
    return {"thirdTraceId": str(uuid.uuid4())}


def _code(told: Any) -> int:
    """The outcome of a call.

    Raises
    ------
    TransientError
        If the answer does not tell it.
    """
    try:
        return int(told["errorCode"])
    except (KeyError, TypeError, ValueError):
        raise TransientError("an answer without errorCode") from None
