"""A warehouse that has seen next to nothing."""

from __future__ import annotations

import psycopg
import pytest

pytestmark = pytest.mark.timeout(900)


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
    _somebody_is_erased(installation)


def _somebody_is_erased(installation):
    """By the DAG `erase`, which opens what is sealed and looks at everything; an odd request holds up nobody."""
    with psycopg.connect(installation.url) as connection:
        connection.execute("insert into ops.erasure_requests values ('P-nobody', 'anna', 'letter 16')")
    ((customer,), *others) = installation.rows("select customer_id from history.customers order by 1")
    done = installation.kehu("erase", customer, "--reason", "letter 17", "--no-night")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "something else is to be done, such as older requests" in " ".join(done.stdout.split())
    assert "receipt 1 (ops.erasures): 1 ids" in done.stdout
    assert installation.rows("select customer_id from ops.erasure_requests") == [("P-nobody",)]
    assert installation.rows("select customer_id from history.customers order by 1") == others
    assert installation.rows("select customer_id from vault.person_keys order by 1") == others
    again = installation.kehu("erase", customer, "--reason", "letter 17", "--no-night")
    assert (again.returncode, again.stdout.split(":")[0]) == (1, f"no records belong to a person {customer}")
