"""Results in the warehouse and in Data Docs: figures and reasons, never a value of a row."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from expectations import docs
from expectations.docs import documented, index_page, write_docs
from expectations.raw_gate import check_raw
from kehu.warehouse.runs import open_night
from tests.shops import FIRST_DAY

DAY = FIRST_DAY + timedelta(days=3)
SECRET = "5ECRET"


def run(url, shop):
    night = open_night(url, DAY, "test")
    shop.source.ingest(url, "order_lines", night)
    return night


def pages(folder):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.html")}


def test_the_pages_of_runs_stand_beside_each_other_and_quote_no_row(url, shop, tmp_path):
    shop.rows[DAY][0][6] = SECRET
    shop.rows[DAY][1][5] = f"-{SECRET}"
    shop.write_day(DAY)
    first = run(url, shop)
    with documented(url, first, tmp_path / "docs"):
        check_raw(url, first)
    shop.rows[DAY][0][6] = ""
    shop.write_day(DAY)
    second = run(url, shop)
    with documented(url, second, tmp_path / "docs"):
        check_raw(url, second)
    found = pages(tmp_path / "docs")
    assert index_page(tmp_path / "docs").exists()
    for night in (first, second):
        assert any(f"run_{night.run_id}/" in name for name in found), found.keys()
    told = "".join(found.values())
    assert "CustomerID is neither empty nor a number" in told
    assert SECRET not in told


def test_a_run_without_a_check_has_no_page(url, tmp_path):
    assert write_docs(url, open_night(url, DAY, "test"), tmp_path / "docs") == 0
    assert not (tmp_path / "docs").exists()


def test_pages_that_cannot_be_written_neither_stop_a_gate_nor_hide_why_it_is_closed(url, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("no space")

    monkeypatch.setattr(docs, "write_docs", fail)
    with documented(url, open_night(url, DAY, "test"), tmp_path):
        pass
    with pytest.raises(ValueError, match="closed"), documented(url, open_night(url, DAY, "test"), tmp_path):
        raise ValueError("closed")


def test_what_a_check_asks_and_means_is_kept_beside_what_it_saw(url, shop):
    shop.rows[DAY][1][5] = "-1.00"
    shop.write_day(DAY)
    night = run(url, shop)
    check_raw(url, night)
    query = """
        select reason, configuration, count_unexpected, observed_value from ops.quality_results
        where run_id = %s and expectation = 'unit_price_not_negative'
    """
    with psycopg.connect(url) as connection:
        rows = connection.execute(query, [night.run_id]).fetchall()
    kwargs = {"column": "unit_price", "regex": "^-"}
    ((reason, configuration, *figures),) = rows
    assert (reason, figures) == ("UnitPrice is negative", [1, None])
    assert configuration["type"] == "expect_column_values_to_not_match_regex"
    assert kwargs.items() <= configuration["kwargs"].items()
