"""Tokens in two styles: in headers (new) and in the body of each call (old)."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.exchange import Answer, Request
from tests.fakes.fxiaoke_errors import (
    BAD_PARAMETERS,
    BAD_SECRET,
    EXPIRED_TOKEN,
    MINTING_ALREADY,
    TOO_OFTEN,
    FxiaokeError,
    reply,
)
from tests.fakes.limits import Clock, Window

NEW_PATH = "/oauth2.0/token"
OLD_PATH = "/cgi/corpAccessToken/get/V2"
LIFE = 7200
SAME_FOR = 6600


@dataclass(frozen=True)
class Credentials:
    """What the one invented app logs in with."""

    app_id: str = "FSAID_fake0001"
    app_secret: str = "fake-app-secret"
    permanent_code: str = "fake-permanent-code"
    open_user_id: str = "FSUID_fake0001"
    mobile: str = "12000000000"
    ea: str = "fakecompany"
    corp_id: str = "FSCID_fake0001"


@dataclass
class Token:
    text: str
    minted: datetime


class Tokens:
    """The same token again while it is young, a new one after; never two mints at a time."""

    def __init__(self, credentials: Credentials, clock: Clock, mint_latency: float) -> None:
        self.credentials = credentials
        self.clock = clock
        self.mint_latency = mint_latency  # seconds a mint takes, so that concurrent ones meet
        self._window = Window(10, 60.0, clock)
        self._tokens: dict[str, list[Token]] = {NEW_PATH: [], OLD_PATH: []}
        self._minting = threading.Lock()

    def mint(self, request: Request) -> Answer:
        if not self._minting.acquire(blocking=False):
            raise FxiaokeError(MINTING_ALREADY)
        try:
            time.sleep(self.mint_latency)
            return self._mint(request)
        finally:
            self._minting.release()

    def _mint(self, request: Request) -> Answer:
        body = request.json if isinstance(request.json, dict) else {}
        known = self.credentials
        if request.path == NEW_PATH and body.get("grantType") != "app_secret":
            raise FxiaokeError(BAD_PARAMETERS, "grantType")
        if [body.get(name) for name in ("appId", "appSecret", "permanentCode")] != [
            known.app_id,
            known.app_secret,
            known.permanent_code,
        ]:
            raise FxiaokeError(BAD_SECRET)
        if not self._window.take():
            raise FxiaokeError(TOO_OFTEN)
        text = self._current(request.path)
        if request.path == NEW_PATH:
            return reply({"accessToken": text, "expiresIn": LIFE, "ea": known.ea})
        return reply({"corpAccessToken": text, "corpId": known.corp_id, "expiresIn": LIFE})

    def _current(self, style: str) -> str:
        now, tokens = self.clock(), self._tokens[style]
        if not tokens or now - tokens[-1].minted >= timedelta(seconds=SAME_FOR):
            tokens.append(Token(secrets.token_hex(24), now))
        return tokens[-1].text

    def check(self, request: Request, body: dict[str, Any], with_user: bool) -> None:
        """Refuse a call whose credentials, in either style, are incomplete or old."""
        known, headers = self.credentials, request.headers
        if "authorization" in headers:
            given = {"x-fs-ea": headers.get("x-fs-ea"), "x-fs-userid": headers.get("x-fs-userid")}
            wanted = {"x-fs-ea": known.ea, "x-fs-userid": known.open_user_id}
            style = NEW_PATH
        else:
            given = {name: body.get(name) for name in ("corpId", "currentOpenUserId")}
            wanted = {"corpId": known.corp_id, "currentOpenUserId": known.open_user_id}
            style = OLD_PATH
        user = "x-fs-userid" if style == NEW_PATH else "currentOpenUserId"
        wrong = [name for name in wanted if given[name] != wanted[name] and (with_user or name != user)]
        if wrong:
            raise FxiaokeError(BAD_PARAMETERS, ", ".join(wrong))
        if not self._is_live(style, given_token(request, body)):
            raise FxiaokeError(EXPIRED_TOKEN)

    def _is_live(self, style: str, text: str) -> bool:
        oldest = self.clock() - timedelta(seconds=LIFE)
        return any(token.text == text and token.minted > oldest for token in list(self._tokens[style]))

    def revoke(self, text: str | None = None) -> None:
        """Forget one token, or all."""
        for style, tokens in self._tokens.items():
            self._tokens[style] = [token for token in tokens if text is not None and token.text != text]


def given_token(request: Request, body: dict[str, Any]) -> str:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme:
        return text if scheme == "Bearer" else ""
    return str(body.get("corpAccessToken", ""))
