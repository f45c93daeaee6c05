from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.fakes.fxiaoke import FakeFxiaoke
from tests.fakes.server import FakeServer
from tests.fakes.zoho import FakeZoho

FORMS = """
import json
from airflow.providers_manager import ProvidersManager
manager = ProvidersManager()
hooks = {name: hook.hook_name for name, hook in manager.hooks.items() if name in ("zoho_crm", "fxiaoke")}
forms = manager.connection_form_widgets.items()
fields = {name: form.is_sensitive for name, form in forms if form.package_name == "kehu"}
labels = {name: manager.field_behaviours[name]["relabeling"] for name in hooks}
print("RESULT" + json.dumps([hooks, fields, labels]))
"""
TEST = """
import json, sys
from airflow.models.connection import Connection
told = Connection.get_connection_from_secrets(sys.argv[1]).test_connection()
print("RESULT" + json.dumps(told))
"""


def run(home, code: str, *words: str, **variables: str):
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home.airflow),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////" + str(home.airflow / "none.db").lstrip("/"),
        **variables,
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *words], env=environment, capture_output=True, text=True, check=False
    )
    assert "RESULT" in done.stdout, done.stderr
    return json.loads(done.stdout.split("RESULT")[1]), done.stdout + done.stderr


def test_airflow_knows_both_types_with_fields_labels_and_secrets(home):
    (hooks, fields, labels), _ = run(home, FORMS)
    assert hooks == {"zoho_crm": "Zoho CRM", "fxiaoke": "纷享销客 (Fxiaoke)"}
    assert fields == {
        "extra__zoho_crm__refresh_token": True,
        "extra__fxiaoke__permanent_code": True,
        "extra__fxiaoke__open_user_id": False,
        "extra__fxiaoke__mobile": False,
        "extra__fxiaoke__style": False,
    }
    assert labels["zoho_crm"]["login"] == "Client id"
    assert labels["fxiaoke"]["password"] == "App secret"


def zoho(url: str, app: FakeZoho, **changed: str) -> dict:
    known = app.credentials
    extra = {"refresh_token": known.refresh_token}
    parts = {"conn_type": "zoho_crm", "host": url, "login": known.client_id, "password": known.client_secret}
    return {**parts, "extra": extra, **changed}


def fxiaoke(url: str, app: FakeFxiaoke, **changed: str) -> dict:
    known = app.credentials
    extra = {"permanent_code": known.permanent_code, "open_user_id": known.open_user_id}
    parts = {"conn_type": "fxiaoke", "host": url, "login": known.app_id, "password": known.app_secret}
    return {**parts, "extra": extra, **changed}


@pytest.mark.parametrize(
    ("app", "connection", "probe"),
    [(FakeZoho, zoho, "Contacts"), (FakeFxiaoke, fxiaoke, "AccountObj")],
    ids=["zoho_crm", "fxiaoke"],
)
def test_the_connection_test_tells_right_from_wrong_and_no_secret(home, app, connection, probe):
    fake = app()
    fake.add(probe, {"Last_Name": "Example"} if probe == "Contacts" else {"name": "Example"})
    with FakeServer(fake) as server:
        good = connection(server.url, fake)
        (is_good, message), _ = run(home, TEST, "crm", AIRFLOW_CONN_CRM=json.dumps(good))
        assert (is_good, message.endswith(f"answers: 1 records in {probe}")) == (True, True)
        wrong = connection(server.url, fake, password="canary-of-a-wrong-secret")
        (is_good, message), printed = run(home, TEST, "crm", AIRFLOW_CONN_CRM=json.dumps(wrong))
        assert not is_good
        assert "secret" in message
        for secret in ("canary-of-a-wrong-secret", *good["extra"].values()):
            assert secret not in printed
    (is_good, message), _ = run(home, TEST, "crm", AIRFLOW_CONN_CRM=json.dumps(good))
    assert (is_good, "\n" in message) == (False, False)
