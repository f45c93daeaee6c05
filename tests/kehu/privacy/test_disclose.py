"""A person gets all that is kept about them, and nothing of anybody else; and who wrote it out is noted."""

from __future__ import annotations

import json
import stat
from urllib.parse import urlsplit

import psycopg
import pytest

from kehu.privacy.disclose import disclose
from kehu.privacy.reveal import RevealError
from tests.kehu.privacy.worlds import VAULT, World


@pytest.fixture
def world(url, tmp_path):
    made = World(url, tmp_path / "files", 3)
    made.land()
    made.run_night()
    return made


def test_all_that_is_kept_is_told_with_where_it_came_from(world, tmp_path):
    done = disclose(world.url, world.id(1), tmp_path / "out", "anna", VAULT)
    told = json.loads(done.json_file.read_text())
    rows = {place["place"]: place["rows"] for place in told["places"]}
    assert {"history.customers", "ml.customer_segments", "identity.assignments"} <= set(rows)
    ((order,), (account,), (ticket,)) = (
        rows[name] for name in ("raw_shop.order_lines", "raw_shop.accounts", "raw_support.tickets")
    )
    (period,) = rows["history.customers"]
    assert (period["full_name"], period["mail"], period["phone"]) == (world.name(1), world.mail(1), world.phone(1))
    assert "sealed" not in period
    assert order["row"]["CustomerID"] == "10001"
    assert (account["_source"], account["_file"]) == ("shop.accounts", "accounts_2024-03-05.jsonl")
    assert account["_known_since"]
    assert ticket["row"]["record"]["requester"]["email"] == world.mail(1)
    assert done.count_rows == sum(map(len, rows.values()))
    page = done.html_file.read_text()
    assert world.mail(1) in page
    for text in (page, done.json_file.read_text()):
        assert world.mail(0) not in text
        assert world.mail(2) not in text
    assert stat.S_IMODE(done.json_file.stat().st_mode) == stat.S_IMODE(done.html_file.stat().st_mode) == 0o600
    with psycopg.connect(world.url) as connection:
        noted = connection.execute("select customer_id, disclosed_by, count_rows from ops.disclosures").fetchall()
    assert noted == [(world.id(1), "anna", done.count_rows)]


def test_what_a_source_wrote_is_text_on_the_page(world, tmp_path):
    with psycopg.connect(world.url) as connection:
        connection.execute("update ml.customer_segments set segment = '<script>alert(1)</script>'")
    page = disclose(world.url, world.id(1), tmp_path, "anna", VAULT).html_file.read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_it_asks_for_the_role(world, tmp_path):
    with psycopg.connect(world.url) as connection:
        connection.execute("drop role if exists teller_of_nothing")
        connection.execute("create role teller_of_nothing login password 'teller'")
    parts = urlsplit(world.url)
    stranger = parts._replace(netloc=f"teller_of_nothing:teller@{parts.netloc.rpartition('@')[2]}").geturl()
    with pytest.raises(RevealError, match="members of the role pii_reader only"):
        disclose(stranger, world.id(1), tmp_path / "out", "eve", VAULT)
    assert not (tmp_path / "out").exists()
