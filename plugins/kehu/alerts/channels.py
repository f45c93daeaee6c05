"""The ways an alert takes: mail, and the webhooks of Slack, 企业微信 and 飞书 or what speaks like them.

Libraries for many services (Apprise) fix the services' hosts, so that neither a compatible server of one's own nor a
local receiver in a test could be named; a webhook is one POST.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import smtplib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from kehu.alerts.message import Alert

SECONDS = 10.0
ATTEMPTS = 3
WECOM_BYTES = 2048  # the longest content of a text message (developer.work.weixin.qq.com, group robots)


class AlertError(RuntimeError):
    """An alert was not delivered, or its channel lacks a setting; the message holds no address and no secret."""

    def __init__(self, reason: str, is_passing: bool = False) -> None:
        super().__init__(reason)
        self.is_passing = is_passing


@dataclass(frozen=True)
class Address:
    """Where to: a webhook's whole address, or a mail server with its account; values never show in a repr."""

    url: str | None = field(default=None, repr=False)
    host: str | None = field(default=None, repr=False)
    port: int | None = None
    login: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    extra: dict[str, Any] = field(default_factory=dict, repr=False)


def deliver(channel: str, address: Address, alert: Alert, wait: float = 1.0) -> None:
    """Send an alert by a channel of `CHANNELS`; what may pass is tried again, up to three times in all.

    Raises
    ------
    AlertError
        If it was not delivered.
    """
    retrying = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, AlertError) and error.is_passing),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential_jitter(wait, max=10, jitter=wait),
        reraise=True,
    )
    retrying(CHANNELS[channel], address, alert)


def send_mail(address: Address, alert: Alert) -> None:
    """By SMTP; `extra` has `from`, `to` (several with commas) and `security` (starttls by default, tls, none)."""
    missing = [name for name in ("from", "to") if not address.extra.get(name)]
    if missing or not address.host:
        raise AlertError(f"the connection lacks {'its host' if not address.host else f'{missing[0]} in its extra'}")
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = alert.title, address.extra["from"], address.extra["to"]
    message.set_content(alert.text, cte="quoted-printable")  # not every server takes eight bits
    try:
        with _mail_server(address) as server:
            if address.login:
                server.login(address.login, address.password or "")
            refused = server.send_message(message)
    except smtplib.SMTPResponseException as error:
        raise AlertError(f"the mail server says {error.smtp_code}", 400 <= error.smtp_code < 500) from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted(code for code, _ in error.recipients.values())
        raise AlertError(f"the mail server refuses all recipients: {codes[0]}", codes[-1] < 500) from None
    except smtplib.SMTPServerDisconnected as error:
        raise AlertError(type(error).__name__, True) from None
    except smtplib.SMTPException as error:
        raise AlertError(type(error).__name__) from None
    except ssl.SSLError:
        raise AlertError("the mail server's certificate or its TLS is not accepted") from None
    except OSError as error:
        raise AlertError(f"the mail server does not answer ({type(error).__name__})", True) from None
    if refused:
        raise AlertError(f"the mail server refuses {len(refused)} of the recipients")


def _mail_server(address: Address) -> smtplib.SMTP:
    security, host = address.extra.get("security", "starttls"), address.host or ""
    if security == "tls":
        return smtplib.SMTP_SSL(host, address.port or 465, timeout=SECONDS, context=ssl.create_default_context())
    if security not in ("starttls", "none"):
        raise AlertError("security in the connection's extra is none of starttls, tls, none")
    server = smtplib.SMTP(host, address.port or 587, timeout=SECONDS)
    if security == "starttls":
        server.starttls(context=ssl.create_default_context())
    return server


def send_slack(address: Address, alert: Alert) -> None:
    """To an incoming webhook of Slack, or of what takes the same (Mattermost, Rocket.Chat)."""
    _post(address, {"text": alert.text})


def send_wecom(address: Address, alert: Alert) -> None:
    """To a group robot of 企业微信; it answers 200 with an `errcode` for what it refuses."""
    content = alert.text.encode()[:WECOM_BYTES].decode(errors="ignore")
    answer = _post(address, {"msgtype": "text", "text": {"content": content}})
    _require_zero(answer, "errcode")


def send_feishu(address: Address, alert: Alert) -> None:
    """To a custom robot of 飞书; `secret` in the extra signs the message, where the robot asks for that."""
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": alert.text}}
    if secret := address.extra.get("secret"):
        now = str(int(time.time()))
        body |= {"timestamp": now, "sign": feishu_sign(now, str(secret))}
    _require_zero(_post(address, body), "code")


def feishu_sign(timestamp: str, secret: str) -> str:
    """The signature of 飞书's custom robots: HMAC-SHA256 of nothing, keyed by time and secret, as Base64.

    Source: open.feishu.cn, custom bot guide, "Set signature verification".
    """
    key = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()


def _post(address: Address, body: dict[str, Any]) -> httpx.Response:
    if not address.url:
        raise AlertError("the connection lacks the webhook's address in its password")
    try:
        answer = httpx.post(address.url, json=body, timeout=SECONDS)
    except httpx.TransportError as error:
        raise AlertError(f"the webhook does not answer ({type(error).__name__})", True) from None
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise AlertError("the webhook's address is none") from None
    if not answer.is_success:
        is_passing = answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS
        raise AlertError(f"the webhook answers {answer.status_code}", is_passing)
    return answer


def _require_zero(answer: httpx.Response, name: str) -> None:
    try:
        told = answer.json()
        code = told.get(name)
    except (ValueError, AttributeError):
        raise AlertError("the webhook's answer is not what such robots answer") from None
    if code != 0:
        raise AlertError(f"the webhook refuses it: {name} {code if isinstance(code, int) else 'missing'}")


CHANNELS: dict[str, Callable[[Address, Alert], None]] = {
    "mail": send_mail,
    "slack": send_slack,
    "wecom": send_wecom,
    "feishu": send_feishu,
}
