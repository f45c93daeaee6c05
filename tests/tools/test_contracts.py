"""What BI tools rely on stays: a mart may gain columns, not lose one or change its type."""

from __future__ import annotations

import json

import pytest

from tools import contracts

KEYED = {"dim_a": {"a_id": "text", "b_id": "text", contracts.KEY: "a_id"}}
RELEASED = {"dim_a": {"a_id": "text", "amount": "numeric(16,3)"}, "fct_b": {"b_id": "text"}}


@pytest.mark.parametrize(
    ("current", "found"),
    [
        (RELEASED, []),
        (RELEASED | {"dim_a": {"new": "date", "amount": "numeric(16,3)", "a_id": "text"}, "fct_c": {"c": "text"}}, []),
        (RELEASED | {"dim_a": {"a_id": "text"}}, ["dim_a.amount: the column is gone"]),
        (
            RELEASED | {"dim_a": {"a_id": "text", "amount": "numeric(12,2)"}},
            ["dim_a.amount: was numeric(16,3), is numeric(12,2)"],
        ),
        ({"dim_a": RELEASED["dim_a"], "fct_b_v2": {"b_id": "text"}}, ["fct_b: the mart is gone"]),
    ],
)
def test_a_broken_promise_is_named(current, found):
    assert contracts.breaks(RELEASED, current) == found


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ({contracts.KEY: "a_id"}, []),
        ({contracts.KEY: "a_id, b_id"}, ["dim_a.primary key: was a_id, is a_id, b_id"]),
        ({}, ["dim_a.primary key: the key is gone"]),
    ],
)
def test_a_changed_key_is_a_broken_promise(key, found):
    assert contracts.breaks(KEYED, {"dim_a": {"a_id": "text", "b_id": "text"} | key}) == found


def test_keys_are_read_from_columns_and_from_the_mart():
    shapes = contracts.current_shapes()
    assert shapes["dim_customers"][contracts.KEY] == "customer_id"
    assert shapes["rpt_service_quality"][contracts.KEY] == "opened_month, request_type, channel"
    assert [mart for mart, columns in shapes.items() if contracts.KEY not in columns] == []


def test_all_marts_have_shapes_and_keep_those_of_the_last_release():
    current = contracts.current_shapes()
    models = {path.stem for folder in contracts.FOLDERS for path in (contracts.PROJECT / folder).rglob("*.sql")}
    assert set(current) == models
    released = json.loads(contracts.RELEASED.read_text(encoding="utf-8"))
    assert "dim_customers" in released
    assert contracts.breaks(released, current) == []


def test_the_check_fails_with_one_line_per_break(capsys, monkeypatch, tmp_path):
    released = contracts.current_shapes() | {"fct_gone": {"a": "text"}}
    (tmp_path / "released.json").write_text(json.dumps(released))
    monkeypatch.setattr(contracts, "RELEASED", tmp_path / "released.json")
    assert contracts.main([]) == 1
    assert capsys.readouterr().out.startswith("fct_gone: the mart is gone: keep it, or ")
    assert contracts.main(["--release"]) == 0
    assert contracts.main([]) == 0
