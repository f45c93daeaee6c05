"""The accounts server: refresh tokens in, access tokens out, not too often."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.fakes.exchange import Answer, Request
from tests.fakes.limits import Clock, Window
from tests.fakes.zoho_errors import ZohoError

SCHEME = "Zoho-oauthtoken "
SCOPE = "ZohoCRM.modules.READ ZohoCRM.settings.fields.READ ZohoCRM.bulk.READ"


@dataclass(frozen=True)
class Credentials:
    """What one invented user logs in with."""

    client_id: str = "1000.FAKECLIENT0000000000000000000"
    client_secret: str = "fake-client-secret"
    refresh_token: str = "1000.fake-refresh-token"


class Tokens:
    """Access tokens of all users; may be shared by the fakes of several data centres."""

    def __init__(self, credentials: Credentials, life: float, mints: int, per_seconds: float, clock: Clock) -> None:
        self.credentials = credentials
        self.life = life
        self.clock = clock
        self.users = {credentials.refresh_token: "user-1"}
        self._limits = (mints, per_seconds)
        self._windows: dict[str, Window] = {}
        self._live: dict[str, tuple[str, datetime]] = {}
        self._lock = threading.Lock()

    def add_user(self, refresh_token: str, user: str) -> None:
        self.users[refresh_token] = user

    def mint(self, request: Request, api_domain: str) -> Answer:
        """A new access token; most refusals come with status 200."""
        form = request.form
        if form.get("grant_type") != "refresh_token":
            return Answer(200, {"error": "unsupported_grant_type"})
        if form.get("client_id") != self.credentials.client_id:
            return Answer(200, {"error": "invalid_client"})
        if form.get("client_secret") != self.credentials.client_secret:
            return Answer(200, {"error": "invalid_client_secret"})
        refresh = form.get("refresh_token", "")
        if refresh not in self.users:
            return Answer(200, {"error": "invalid_code"})
        if not self._window(refresh).take():
            reason = "You have made too many requests continuously. Please try again after some time."
            return Answer(400, {"error": "Access Denied", "error_description": reason, "status": "failure"})
        token = f"1000.{secrets.token_hex(32)}"
        with self._lock:
            self._live[token] = (self.users[refresh], self.clock() + timedelta(seconds=self.life))
        body = {"access_token": token, "scope": SCOPE, "api_domain": api_domain, "token_type": "Bearer"}
        return Answer(200, body | {"expires_in": int(self.life)})

    def user_of(self, request: Request) -> str:
        """Who calls; refused when the scheme or the token is wrong."""
        header = request.headers.get("authorization")
        if header is None:
            raise ZohoError("AUTHENTICATION_FAILURE")
        with self._lock:
            user, until = self._live.get(header.removeprefix(SCHEME), ("", self.clock()))
        if not header.startswith(SCHEME) or self.clock() >= until:
            raise ZohoError("INVALID_TOKEN")
        return user

    def revoke(self, request: Request | None = None) -> None:
        """Forget the token of this request, or all tokens."""
        with self._lock:
            if request is None:
                self._live.clear()
            else:
                self._live.pop(request.headers.get("authorization", "").removeprefix(SCHEME), None)

    def _window(self, refresh: str) -> Window:
        with self._lock:
            return self._windows.setdefault(refresh, Window(*self._limits, self.clock))
