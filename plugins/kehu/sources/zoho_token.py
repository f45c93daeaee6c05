"""Access tokens of Zoho: which accounts host a connection means, and how a token is minted there."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

from kehu.sources.contract import Credentials, SourceError, SourceUnavailable
from kehu.sources.http import LOCAL_HOSTS, Answer, Http, TransientError, base_url
from kehu.warehouse.tokens import AccessToken, Grant

# One per data centre; a client and its refresh token are good for one of them only.
ACCOUNTS = {
    "com": "accounts.zoho.com",
    "us": "accounts.zoho.com",
    "eu": "accounts.zoho.eu",
    "in": "accounts.zoho.in",
    "com.au": "accounts.zoho.com.au",
    "au": "accounts.zoho.com.au",
    "com.cn": "accounts.zoho.com.cn",
    "cn": "accounts.zoho.com.cn",
    "jp": "accounts.zoho.jp",
    "sa": "accounts.zoho.sa",
    "ca": "accounts.zohocloud.ca",
}
TOKEN_PATH = "/oauth/v2/token"  # noqa: S105 - a path
REMEDIES = {
    "invalid_code": "the refresh token is not accepted: make a new one for this client and data centre",
    "invalid_client": "the client id is not accepted: is the accounts host that of the client's data centre?",
    "invalid_client_secret": "the client secret is not accepted",
}


def accounts_url(source: str, credentials: Credentials) -> str:
    """The accounts host of a connection, named as a data centre ("eu"), a domain, or a URL.

    Raises
    ------
    SourceError
        If it is none of Zoho's: the client's secret goes there.
    """
    named = (credentials.host or "").strip().lower()
    url = base_url(source, ACCOUNTS.get(named, named), credentials.port, credentials.schema)
    host = urlsplit(url).hostname or ""
    if host in LOCAL_HOSTS:
        return url
    for known in ACCOUNTS.values():
        if host in (known, known.removeprefix("accounts.")):
            return f"https://{known}"
    raise SourceError(source, "the connection's host", f"no accounts host of Zoho; one of {', '.join(ACCOUNTS)}")


def grant(source: str, credentials: Credentials, http: Http) -> Grant:
    """The connection's right to mint tokens.

    Raises
    ------
    SourceError
        If the connection lacks one of the three secrets.
    """
    accounts = accounts_url(source, credentials)
    form = {
        "refresh_token": str(credentials.extra.get("refresh_token") or ""),
        "client_id": credentials.login or "",
        "client_secret": credentials.password or "",
        "grant_type": "refresh_token",
    }
    if not all(form.values()):
        reason = "it needs the client id (login), its secret (password) and refresh_token (extra)"
        raise SourceError(source, "the connection", reason)

    def mint() -> AccessToken:
        answer = http.request("POST", f"{accounts}{TOKEN_PATH}", data=form, refused=_refuse_no_object)
        return _token(source, accounts, answer.json or {})

    return Grant(source, (accounts, form["client_id"], form["client_secret"], form["refresh_token"]), mint)


def _refuse_no_object(answer: Answer) -> None:
    if not isinstance(answer.json, dict) and answer.status < 400:
        raise TransientError("an answer of another shape")


def _token(source: str, accounts: str, told: dict[str, Any]) -> AccessToken:
    if "access_token" not in told:
        error = str(told.get("error"))
        if error in REMEDIES:
            raise SourceError(source, TOKEN_PATH, REMEDIES[error])
        # "Access Denied" and whatever else: minted too often, it passes within ten minutes.
        raise SourceUnavailable(source, TOKEN_PATH, "no token was given: minted too often?")
    api = str(told.get("api_domain") or "")
    if urlsplit(accounts).hostname not in LOCAL_HOSTS and urlsplit(api).scheme != "https":
        raise SourceError(source, TOKEN_PATH, "the answer names no https API host")
    lives = timedelta(seconds=int(told.get("expires_in") or 3600))
    return AccessToken(str(told["access_token"]), datetime.now(timezone.utc) + lives, {"api_domain": api.rstrip("/")})
