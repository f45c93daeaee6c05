"""What would change: nothing under the same settings, exactly what a decision asks for, and how it is counted."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pandas as pd
import psycopg
import pytest
from typer.testing import CliRunner

from kehu.cli import app
from kehu.warehouse.runs import Night
from ml.identity.compare import Example, Outcome, RuleChange, examples, outcomes, rule_changes, shape
from ml.identity.job import identify
from ml.identity.settings import SHIPPED, load
from ml.identity.simulate import NothingToCompareError, simulate
from ml.identity.simulate_picture import draw, headline
from tests.ml.identity.graphs import execute, make_records, rows

DAY = date(2024, 3, 5)
ORDER_LINES = """
create table intermediate.int_order_lines__classified as
select * from (values
    ('9', 'a', 10.50, null), ('9', 'b', 2.25, null), ('9', 'c', 99, 'exact_duplicate'), ('10', 'd', 5, null)
) as line (invoice_number, order_line_id, amount, exclusion_reason)
"""
SCORES = """
create view marts.fct_customer_scores as
select customer_id, 'Loyal' as segment from identity.assignments where record_key like 'shop.accounts:%'
union all select 'P-3', 'At risk'
"""


def outcome_counts(before, after):
    found = outcomes(pd.Series(before), pd.Series(after))
    return {o.outcome: (o.count_before, o.count_after, o.count_records) for o in found if o.count_records}


def test_customers_are_unchanged_merged_split_or_regrouped():
    assert outcome_counts(list("aabb"), list("aabb")) == {"unchanged": (2, 2, 4)}
    assert outcome_counts(list("abc"), list("xxx")) == {"merged": (3, 1, 3)}
    assert outcome_counts(list("aab"), list("acb")) == {"split": (1, 2, 2), "unchanged": (1, 1, 1)}
    assert outcome_counts(list("aabb"), list("axxb")) == {"regrouped": (2, 3, 4)}
    assert outcomes(pd.Series([], dtype=str), pd.Series([], dtype=str))[0] == Outcome("unchanged", 0, 0, 0)


def test_the_shape_counts_customers_by_their_records():
    assert shape(pd.Series(list("aaab"))) == shape(pd.Series(list("cddd")))
    found = shape(pd.Series(list("aaab")))
    assert (found.count_customers, found.count_largest, found.sizes) == (2, 3, (1, 0, 1, 0, 0, 0))


def links(*given):
    columns = ["left_key", "right_key", "rule", "match_probability", "is_same_customer"]
    return pd.DataFrame(given, columns=columns)


def test_links_are_gained_and_lost_by_rule_where_they_lie_within_a_customer():
    before = links(("a", "b", "model", 0.9, True), ("a", "c", "key", 1.0, True), ("c", "d", "model", 0.9, False))
    after = links(("a", "b", "model", 0.8, True), ("a", "c", "key", 1.0, False), ("c", "d", "model", 0.9, True))
    assert rule_changes(before, after) == (RuleChange("key", 0, 0, 1), RuleChange("model", 1, 1, 0))


def test_examples_are_links_that_bring_together_or_take_apart_the_most_doubtful_first():
    table = pd.DataFrame({"record_key": list("abcde"), "before": list("xxyzz"), "after": list("xyyzz")})
    before = links(("a", "b", "model", 0.9, True), ("d", "e", "model", 0.7, True))
    likely, certain = ("b", "c", "model", 0.8, True), ("b", "c", "key", 0.99, True)
    unlikely, elsewhere = ("b", "c", "x", 0.3, True), ("a", "c", "model", 0.9, False)
    assert examples(table, before, links(certain, likely, unlikely, elsewhere)) == (
        Example("together", "b", "c", "model", 0.8),
        Example("together", "b", "c", "key", 0.99),
        Example("apart", "a", "b", "model", 0.9),
    )
    many = links(*[("b", "c", f"rule {n:02}", 0.8, True) for n in range(30)])
    assert len(examples(table, before, many)) == 11


@pytest.fixture(scope="module")
def linked(server_url, hard):
    """A warehouse with a night that linked the hard records and, far from them, two accounts with an order each."""
    from kehu.local.environment import with_database
    from kehu.warehouse.migrate import migrate

    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("create database simulated")
    url = with_database(server_url, "simulated")
    migrate(url)
    account = {"given_name": "zo", "surname": "quill", "name_key": "quill zo", "name_compact": "quillzo"}
    shop = [
        {"record_key": "shop.accounts:1", "known_at": "2024-01-01", "keys": ["shop.account:1"], **account},
        {"record_key": "shop.orders:10", "known_at": "2024-01-01", "keys": ["shop.account:1"]},
        {"record_key": "shop.accounts:2", "known_at": "2024-01-02", "keys": ["shop.account:2"]},
        {"record_key": "shop.orders:9", "known_at": "2024-01-02", "keys": ["shop.account:2"]},
    ]
    make_records(url, [*hard.records.to_pylist(), *shop])
    execute(url, ORDER_LINES)
    execute(url, SCORES)
    identify(url, Night(1, DAY))
    older = "update identity.assignments set valid_from = '2024-03-01' where record_key = any(%s)"
    execute(url, older, [["shop.accounts:1", "shop.orders:10"]])
    return url


def everything(url):
    return {
        name: rows(url, f"select * from identity.{name} order by 1, 2, 3, 4")
        for name in ("assignments", "links", "models")
    }


def test_the_same_settings_move_nothing_and_write_nothing(linked, tmp_path):
    before = everything(linked)
    simulation = simulate(linked, load())
    assert simulation.moved == frozenset()
    assert not simulation.is_trained_anew
    assert simulation.before == simulation.after
    assert [o.outcome for o in simulation.outcomes if o.count_records] == ["unchanged"]
    assert sum(rule.count_kept for rule in simulation.rules) > 100
    assert all(rule.count_gained == rule.count_lost == 0 for rule in simulation.rules)
    assert (simulation.orders.count_orders, simulation.examples) == (0, ())
    assert everything(linked) == before
    assert headline(simulation).startswith("Nothing moves")
    assert draw(simulation, tmp_path / "nothing.png").read_bytes().startswith(b"\x89PNG")


def test_a_decision_moves_the_younger_customer_with_its_orders_and_money(linked, tmp_path):
    file = tmp_path / "decisions.csv"
    file.write_text("left_key,right_key,is_same,decided_on,note\nshop.accounts:1,shop.accounts:2,true,2024-03-01,\n")
    simulation = simulate(linked, load(), decisions_file=file)
    assert simulation.moved == {"shop.accounts:2", "shop.orders:9"}
    changed = [o for o in simulation.outcomes if o.count_records and o.outcome != "unchanged"]
    assert changed == [Outcome("merged", 2, 1, 4)]
    assert simulation.after.count_customers == simulation.before.count_customers - 1
    assert simulation.orders == type(simulation.orders)(1, 2, Decimal("12.75"))
    assert [(s.segment, s.count_customers, s.count_moved) for s in simulation.segments] == [
        ("At risk", 1, 0),
        ("Loyal", 2, 1),
    ]
    assert simulation.examples == (Example("together", "shop.accounts:1", "shop.accounts:2", "decision", 1.0),)
    assert [r.rule for r in simulation.rules if r.count_gained] == ["decision"]


def test_a_rule_that_is_taken_away_loses_its_links_and_trains_anew(linked, tmp_path):
    keys = load().person.keys.model_copy(update={"own": ()})
    settings = load().model_copy(update={"person": load().person.model_copy(update={"keys": keys})})
    simulation = simulate(linked, settings)
    assert simulation.is_trained_anew
    assert RuleChange("shop.account", 0, 0, 2) in simulation.rules
    assert {"shop.orders:9", "shop.orders:10"} <= simulation.moved
    assert "move" in headline(simulation)
    first, again = (draw(simulation, tmp_path / f"{n}.png").read_bytes() for n in range(2))
    assert first == again


def test_before_the_first_night_there_is_nothing_to_compare(url):
    with pytest.raises(NothingToCompareError, match="make run"):
        simulate(url, load())


@pytest.fixture
def shell(linked, tmp_path, monkeypatch):
    monkeypatch.setenv("KEHU_WAREHOUSE_URL", linked)
    monkeypatch.setenv("KEHU_HOME", str(tmp_path))
    monkeypatch.setenv("KEHU_DECISIONS", str(tmp_path / "none.csv"))
    return lambda *words: CliRunner().invoke(app, ["identity", "simulate", *words])


def test_the_command_prints_what_would_change_and_draws_it(shell, tmp_path, hard):
    file = tmp_path / "decisions.csv"
    file.write_text("left_key,right_key,is_same,decided_on,note\nshop.accounts:1,shop.accounts:2,true,2024-03-01,\n")
    done = shell("--settings", str(SHIPPED), "--decisions", str(file))
    assert done.exit_code == 0
    for part in (
        "2 records move",
        "1 orders with 2 lines worth 12.75",
        "nothing was written",
        "together: shop.accounts:1",
    ):
        assert part in done.output
    assert (tmp_path / "identity" / "simulation.png").exists()
    names = {name for name in hard.records["surname"].to_pylist() if name and len(name) > 5}
    assert not [name for name in names if name in done.output]


def test_decisions_that_do_nothing_are_named(shell, tmp_path):
    file = tmp_path / "decisions.csv"
    file.write_text(
        "left_key,right_key,is_same,decided_on\n"
        "shop.accounts:1,shop.accounts:none,true,2024-03-01\n"
        "shop.accounts:1,shop.accounts:2,true,2099-03-01\n"
    )
    done = shell("--settings", str(SHIPPED), "--decisions", str(file))
    told = " ".join(done.output.split())
    assert "does nothing: shop.accounts:1 = shop.accounts:none: no record shop.accounts:none" in told
    assert "does nothing: shop.accounts:1 = shop.accounts:2: holds from 2099-03-01 on" in told


def test_settings_that_are_none_give_one_line(shell, tmp_path):
    file = tmp_path / "mine.yml"
    file.write_text(SHIPPED.read_text().replace("link_probability: ", "link_probability: 7"))
    done = shell("--settings", str(file))
    assert done.exit_code == 1
    assert done.output.startswith("mine.yml: person.link_probability: ")
    assert done.output.count("\n") == 1
    file.write_text("{")
    assert "mine.yml is not YAML" in shell("--settings", str(file)).output
