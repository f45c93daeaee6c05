"""Bad files through the real DAG: one clear line, a failed run, and the published marts as they were."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.fakes.post import Webhook, serving

pytestmark = pytest.mark.timeout(900)


def test_bad_input_stops_or_quarantines_and_never_touches_what_is_published(installation, shop, monkeypatch):
    hook = Webhook([(500, "")])  # whatever becomes of an alert, the night goes its way
    monkeypatch.setenv("AIRFLOW_CONN_ALERT_SLACK", json.dumps({"conn_type": "generic", "password": hook.url}))
    with serving(hook):
        stop_and_mend(installation, shop)
    # Two tasks failed, and each alert was tried three times; the nights that ended well sent none.
    texts = [body["text"] for body in hook.bodies]
    day = shop.last_day - timedelta(days=1)
    assert len(texts) == 6
    assert len(set(texts)) == 2
    first, second = dict.fromkeys(texts)
    assert first.startswith(f"Kehu: ingest.ingest_shop failed in the night of {day}\nReason: shop: order_lines_{day}")
    assert "the header changed" in first
    assert "Tries: 1." in first  # no try more for what stays as it is
    assert second.startswith(f"Kehu: require_sources failed in the night of {day}")


def stop_and_mend(installation, shop):
    first = shop.last_day - timedelta(days=2)
    installation.night(first)
    before = installation.fingerprint()
    orders = installation.rows("select count(*) from marts.fct_orders")

    # A broken file stops the run.
    good = shop.plain(first + timedelta(days=1))
    shop.replace_bytes(first + timedelta(days=1), good.replace(b"UnitPrice", b"Price", 1))
    done = installation.kehu("run", "--as-of", str(first + timedelta(days=1)))
    assert done.returncode == 1
    wanted = (
        f"shop: order_lines_{first + timedelta(days=1)}.csv.gz, row 0: the header changed: missing UnitPrice; 1 unknown"
    )
    assert wanted in done.stdout.replace("\n", " ").replace("  ", " ")
    assert "The published marts are as they were" in done.stdout
    assert installation.fingerprint() == before

    # Mended, with one bad row: the run goes on, the row waits in quarantine, the small world's scores fall back.
    shop.rows[first + timedelta(days=1)][0][5] = "-4.00"
    shop.write_day(first + timedelta(days=1))
    done = installation.night(first + timedelta(days=1))
    assert (
        f"quarantined: shop: order_lines_{first + timedelta(days=1)}.csv.gz, row 1: UnitPrice is negative"
        in done.stdout
    )
    assert installation.fingerprint() != before
    assert installation.rows("select count(*) from marts.fct_orders") > orders
    fits = dict(installation.rows("select model, method from marts.fct_model_fits"))
    assert fits["churn"] == "purchase_process"

    # One command shows the night before again.
    assert installation.kehu("rollback").returncode == 0
    assert installation.fingerprint() == before


def test_the_first_night_of_all_runs_on_next_to_nothing(installation, shop):
    day = min(shop.rows)
    installation.night(day)
    methods = installation.rows("select model, method, is_fallback from marts.fct_model_fits order by model")
    assert methods == [
        ("churn", "none", True),
        ("clusters", "none", True),
        ("recommend", "item_cosine", False),
        ("segments", "rfm", False),
        ("value", "none", True),
    ]
    assert installation.report().exists()
