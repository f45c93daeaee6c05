"""Calls to Zoho CRM v8: signed with a shared token, and with Zoho's errors told apart."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from kehu.sources.contract import Credentials, SourceError, SourceUnavailable
from kehu.sources.http import Answer, Expect, Http, Patience, TransientError
from kehu.sources.zoho_token import grant
from kehu.warehouse.tokens import MARGIN_SECONDS, AccessToken, Grant, Tokens

SCOPES = "ZohoCRM.modules.READ, ZohoCRM.settings.fields.READ and ZohoCRM.bulk.READ"
CODE = re.compile(r"[A-Z_]{1,60}")
PASSING = {"TOO_MANY_REQUESTS", "INTERNAL_ERROR", "AMBIGUITY_DURING_PROCESSING"}
TOKEN_CODES = {"INVALID_TOKEN", "AUTHENTICATION_FAILURE"}
MISSING_RIGHTS = {
    "NO_PERMISSION": "the connection's user may not read {}: grant its profile access",
    "OAUTH_SCOPE_MISMATCH": "the refresh token's scopes do not cover {}: make one with " + SCOPES,
}
PAGE_TOKEN_CODES = {"EXPIRED_VALUE", "TOKEN_BOUND_DATA_MISMATCH"}
PAGE_LIMIT_CODES = {"DISCRETE_PAGINATION_LIMIT_EXCEEDED", "PAGINATION_LIMIT_EXCEEDED"}


class LostTokenError(Exception):
    """The page token has expired, or is taken for that of another question."""


class PageLimitError(Exception):
    """The listing goes no further by this way of paging."""


class RefusedError(SourceError):
    """Zoho knows who asks, and refuses this question."""


class ZohoApi:
    """Signed calls; answers are 2xx or 304, everything else has become an exception."""

    def __init__(
        self,
        source: str,
        credentials: Credentials,
        tokens: Tokens,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._source, self._credentials, self._tokens = source, credentials, tokens
        self._http = Http(source, patience=patience, transport=transport, sleep=sleep)
        self._token: AccessToken | None = None

    @property
    def count_calls(self) -> int:
        """Requests made so far, those for tokens and second tries included."""
        return self._http.count_calls

    def call(
        self,
        method: str,
        path: str,
        subject: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        expect: Expect = "json",
        refused: Callable[[Answer], object] | None = None,
    ) -> Answer:
        """One answer about a subject (a module, for messages); `refused` sees it before it counts as whole.

        Raises
        ------
        LostTokenError, PageLimitError
            For the caller who pages.
        SourceError, SourceUnavailable
            For everything else that is not an answer.
        """

        def look(answer: Answer) -> None:
            code = error_code(answer.json)
            if code in PASSING:
                raise TransientError(f"Zoho says {code}")
            if refused and code is None and answer.status < 400:
                refused(answer)

        def ask(token: AccessToken) -> Answer:
            signed = {**(headers or {}), "Authorization": f"Zoho-oauthtoken {token.value}"}
            url = token.details["api_domain"] + path
            return self._http.request(
                method, url, params=params, json=json, headers=signed, expect=expect, refused=look
            )

        token = self._current_token()
        answer = ask(token)
        if _is_token_refused(answer):
            # An hour is over, or somebody revoked it: a new one, once.
            self._token = self._tokens.renew(self._grant(), token.value)
            answer = ask(self._token)
        self._raise_error(answer, path, subject)
        return answer

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def _grant(self) -> Grant:
        return grant(self._source, self._credentials, self._http)

    def _current_token(self) -> AccessToken:
        if self._token is None or not self._token.lives(MARGIN_SECONDS):
            self._token = self._tokens.token(self._grant())
        return self._token

    def _raise_error(self, answer: Answer, path: str, subject: str) -> None:
        code = error_code(answer.json)
        if code is None and answer.status < 400:
            return
        if _is_token_refused(answer):
            reason = "a fresh access token was refused: is the API that of the client's data centre?"
            raise SourceError(self._source, path, reason)
        if code in PAGE_TOKEN_CODES:
            raise LostTokenError
        if code in PAGE_LIMIT_CODES:
            raise PageLimitError
        if code in MISSING_RIGHTS:
            raise RefusedError(self._source, path, MISSING_RIGHTS[code].format(subject))
        if code == "INVALID_MODULE":
            raise RefusedError(self._source, path, f"Zoho knows no module {subject}")
        if code is None:
            lasting = answer.status in (404, 405)
            raise (RefusedError if lasting else SourceUnavailable)(self._source, path, f"HTTP {answer.status}")
        # A code is a word of Zoho's own; anything else in its place is not repeated.
        word = code if CODE.fullmatch(code) else "an error"
        raise RefusedError(self._source, path, f"Zoho says {word} (HTTP {answer.status})")


def error_code(told: Any) -> str | None:
    """The code of an error answer, whether it is flat or inside `data`; None for anything else."""
    if isinstance(told, dict) and isinstance(told.get("data"), list) and told["data"]:
        told = told["data"][0]
    is_error = isinstance(told, dict) and told.get("status") == "error" and "id" not in told
    return str(told.get("code")) if is_error else None


def _is_token_refused(answer: Answer) -> bool:
    code = error_code(answer.json)
    return code in TOKEN_CODES or (answer.status == 401 and code is None)
