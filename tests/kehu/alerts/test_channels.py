"""Each way an alert takes, to a receiver on this machine: what arrives, what is tried again, what is refused."""

from __future__ import annotations

import email
import email.policy

import pytest

from kehu.alerts.channels import WECOM_BYTES, Address, AlertError, deliver, feishu_sign
from kehu.alerts.message import Alert, trial
from tests.fakes.post import MailServer, Webhook, serving

ALERT = Alert("task_failed", "Kehu: build_marts failed", ("Reason: 磁盘已满 📦",))
SECRET = "canary-secret"


def mail(server, **extra):
    known = {"from": "kehu@example.org", "to": "data@example.org, night@example.org", "security": "none"}
    return Address(host="127.0.0.1", port=server.port, extra=known | extra)


def text_of(channel, body):
    return {"slack": lambda: body["text"], "wecom": lambda: body["text"]["content"],
            "feishu": lambda: body["content"]["text"]}[channel]()  # fmt: skip


@pytest.mark.parametrize("channel", ["slack", "wecom", "feishu"])
def test_a_webhook_gets_the_text_in_its_own_form(channel):
    hook = Webhook()
    with serving(hook):
        deliver(channel, Address(url=hook.url), ALERT)
    (body,) = hook.bodies
    assert text_of(channel, body) == ALERT.text
    assert body.get("msgtype", body.get("msg_type", "text")) == "text"


def test_mail_arrives_at_each_recipient():
    server = MailServer()
    with serving(server):
        deliver("mail", mail(server), ALERT)
    (raw,) = server.mails
    got = email.message_from_string(raw, policy=email.policy.default)
    assert server.recipients == ["data@example.org", "night@example.org"]
    assert (got["Subject"], got.get_content().strip()) == (ALERT.title, ALERT.text)


@pytest.mark.parametrize("channel", ["slack", "wecom", "feishu"])
def test_what_may_pass_is_tried_again(channel):
    hook = Webhook([(503, ""), (429, ""), (200, {"errcode": 0, "code": 0})])
    with serving(hook):
        deliver(channel, Address(url=hook.url), ALERT, wait=0)
    assert len(hook.bodies) == 3


@pytest.mark.parametrize(
    ("channel", "answer", "reason", "count"),
    [
        ("slack", (404, "no_service"), "answers 404", 1),
        ("slack", (500, ""), "answers 500", 3),
        ("wecom", (200, {"errcode": 93000, "errmsg": SECRET}), "errcode 93000", 1),
        ("feishu", (200, {"code": 19021, "msg": SECRET}), "code 19021", 1),
        ("feishu", (200, "<html>"), "not what such robots answer", 1),
        ("wecom", (200, [1]), "not what such robots answer", 1),
    ],
)
def test_a_refusal_is_an_error_without_address_or_secret(channel, answer, reason, count):
    hook = Webhook([answer])
    with serving(hook), pytest.raises(AlertError, match=reason) as raised:
        deliver(channel, Address(url=hook.url), ALERT, wait=0)
    assert len(hook.bodies) == count
    assert not any(word in str(raised.value) for word in (SECRET, "canary", "127.0.0.1"))


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [("550 no such canary", "refuses all recipients: 550"), ("451 later", "refuses all recipients: 451")],
)
def test_a_mail_server_that_refuses(refusal, reason):
    server = MailServer(refusal)
    with serving(server), pytest.raises(AlertError, match=reason):
        deliver("mail", mail(server), ALERT, wait=0)


@pytest.mark.parametrize(
    ("channel", "address", "reason"),
    [
        ("slack", Address(), "lacks the webhook's address"),
        ("slack", Address(url="not an address canary"), "the webhook"),
        ("wecom", Address(url="http://127.0.0.1:1/canary"), "does not answer"),
        ("mail", Address(), "lacks its host"),
        ("mail", Address(host="h", extra={"from": "a@b.co"}), "lacks to in its extra"),
        ("mail", Address(host="127.0.0.1", port=1, extra={"from": "a@b.co", "to": "c@d.co"}), "does not answer"),
        ("mail", Address(host="h", extra={"from": "a@b.co", "to": "c@d.co", "security": "x"}), "none of starttls"),
    ],
)
def test_settings_that_lead_nowhere(channel, address, reason):
    with pytest.raises(AlertError, match=reason) as raised:
        deliver(channel, address, ALERT, wait=0)
    assert "canary" not in str(raised.value)


def test_mail_is_not_sent_in_clear_text_unless_that_is_said():
    server = MailServer()
    with serving(server), pytest.raises(AlertError):
        deliver("mail", mail(server, security="starttls"), ALERT, wait=0)
    assert server.mails == []


def test_a_text_longer_than_wecom_takes_is_cut_between_characters():
    hook = Webhook()
    with serving(hook):
        deliver("wecom", Address(url=hook.url), Alert("task_failed", "晚" * 1000))
    content = text_of("wecom", hook.bodies[0])
    assert WECOM_BYTES - 3 < len(content.encode()) <= WECOM_BYTES
    assert set(content) == {"晚"}


def test_feishu_is_signed_where_a_secret_is_set():
    hook = Webhook()
    with serving(hook):
        deliver("feishu", Address(url=hook.url, extra={"secret": SECRET}), trial())
    (body,) = hook.bodies
    assert body["sign"] == feishu_sign(body["timestamp"], SECRET)
    # Worked out by openssl: printf '' | openssl dgst -sha256 -hmac "$(printf '1599360473\ndemo')" -binary | base64
    assert feishu_sign("1599360473", "demo") == "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="


def test_addresses_do_not_show():
    assert "canary" not in repr(
        Address(url="canary", host="canary", login="canary", password="canary", extra={"a": "canary"})
    )
