"""Access tokens of Fxiaoke (纷享销客) in the two styles that live side by side, and how calls carry them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

from kehu.sources.contract import Credentials, SourceError
from kehu.warehouse.tokens import AccessToken, Grant

Style = Literal["oauth2", "corp"]
Post = Callable[[str, Mapping[str, Any]], dict[str, Any]]
OAUTH2_PATH = "/oauth2.0/token"
CORP_PATH = "/cgi/corpAccessToken/get/V2"
USER_PATH = "/cgi/user/getByMobile"


@dataclass(frozen=True)
class Signature:
    """What a call carries: headers in the new style, members of the body in the old one."""

    headers: Mapping[str, str]
    members: Mapping[str, str]


def style_of(source: str, credentials: Credentials, configured: Style | None) -> Style:
    """The style that is configured, else the connection's, else the new one.

    Raises
    ------
    SourceError
        If the connection names another one.
    """
    style = configured or credentials.extra.get("style") or "oauth2"
    if style not in ("oauth2", "corp"):
        raise SourceError(source, "connection", "the token style is neither oauth2 nor corp")
    return "oauth2" if style == "oauth2" else "corp"


def signature(style: Style, token: AccessToken) -> Signature:
    """How a call shows its token and in whose name it is made."""
    user = token.details["user"]
    if style == "oauth2":
        headers = {"authorization": f"Bearer {token.value}", "x-fs-ea": token.details["tenant"], "x-fs-userid": user}
        return Signature(headers, {})
    members = {"corpAccessToken": token.value, "corpId": token.details["tenant"], "currentOpenUserId": user}
    return Signature({}, members)


def grant(source: str, style: Style, credentials: Credentials, post: Post) -> Grant:
    """The connection's right to mint tokens; `post` makes an unsigned call and returns its answer.

    Raises
    ------
    SourceError
        If the connection lacks what the style needs.
    """
    app, secret = credentials.login or "", credentials.password or ""
    code, user = str(credentials.extra.get("permanent_code") or ""), str(credentials.extra.get("open_user_id") or "")
    mobile = str(credentials.extra.get("mobile") or "") if style == "corp" else ""
    if not (app and secret and code):
        reason = "it needs the app id (login), its secret (password) and permanent_code (extra)"
        raise SourceError(source, "the connection", reason)
    if not user and not mobile:
        either = "open_user_id or mobile" if style == "corp" else "open_user_id"
        raise SourceError(source, "the connection", f"it needs {either} (extra): in whose name it reads")
    request = {"appId": app, "appSecret": secret, "permanentCode": code}

    def mint_oauth2() -> AccessToken:
        told = post(OAUTH2_PATH, {**request, "grantType": "app_secret"})
        return _token(source, OAUTH2_PATH, told, "accessToken", {"tenant": str(told.get("ea") or ""), "user": user})

    def mint_corp() -> AccessToken:
        told = post(CORP_PATH, request)
        tenant = str(told.get("corpId") or "")
        named = user or _user_of(source, post, told, mobile)
        return _token(source, CORP_PATH, told, "corpAccessToken", {"tenant": tenant, "user": named})

    mint = mint_oauth2 if style == "oauth2" else mint_corp
    return Grant(source, (style, credentials.host or "", app, secret, code, user, mobile), mint)


def _user_of(source: str, post: Post, told: Mapping[str, Any], mobile: str) -> str:
    found = post(USER_PATH, {name: told.get(name) for name in ("corpAccessToken", "corpId")} | {"mobile": mobile})
    users = found.get("empList") or []
    if not users or not users[0].get("openUserId"):
        raise SourceError(source, USER_PATH, "the connection's mobile number belongs to no user")
    return str(users[0]["openUserId"])


def _token(source: str, path: str, told: Mapping[str, Any], name: str, details: dict[str, str]) -> AccessToken:
    if not told.get(name) or not details["tenant"]:
        raise SourceError(source, path, "the answer holds no token: is the token style the app's?")
    lives = timedelta(seconds=int(told.get("expiresIn") or 7200))
    return AccessToken(str(told[name]), datetime.now(timezone.utc) + lives, details)
