"""What `make diff` tells of two versions of a model, against differences worked out by hand and by plain Python."""

from __future__ import annotations

import json
import re

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from kehu import analyst_cli
from kehu.analyst.diff import HIDDEN, Example, compare
from kehu.analyst.sandbox import Sandbox, SandboxError
from kehu.warehouse.runs import open_night
from tests.kehu.analyst.project import NIGHT

BEN = Sandbox.of("ben")


class Pair:
    """A model in a sandbox and in production, made by hand as `build` and the night would leave them."""

    def __init__(self, url):
        self.url = url
        run_id = open_night(url, NIGHT, "test").run_id
        self.execute(
            f"update store.current set run_id = {run_id};"
            f"create schema {BEN.schema}; comment on schema {BEN.schema} is 'built on run {run_id}'"
        )
        self.nodes = {BEN.target: {}, BEN.state: {}}

    def execute(self, statement):
        with psycopg.connect(self.url) as connection:
            connection.execute(statement)

    def add(self, model, here, there, key=("id",), personal=(), contract=True):
        """A model from two queries."""
        for folder, schema, query in ((BEN.target, BEN.schema, here), (BEN.state, "marts", there)):
            if query is None:
                continue
            self.execute(f"drop table if exists {schema}.{model}; create table {schema}.{model} as {query}")
            with psycopg.connect(self.url) as connection:
                columns = [c.name for c in connection.execute(f"select * from {schema}.{model}").description]
            self.nodes[folder][model] = {
                "name": model,
                "alias": model,
                "schema": schema,
                "resource_type": "model",
                "config": {"contract": {"enforced": contract}},
                "columns": {c: {"name": c, "config": {"meta": {"personal": c in personal}}} for c in columns},
                "constraints": [{"type": "primary_key", "columns": list(key)}] if key else [],
            }
        for folder, nodes in self.nodes.items():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "manifest.json").write_text(json.dumps({"nodes": nodes}))

    def compare(self, *queries, **options):
        self.add("dim_things", *queries, **options)
        return compare(self.url, BEN, "dim_things")


@pytest.fixture(scope="module")
def pair(server_url):
    from tests.dbt_project.warehouse import Warehouse

    return Pair(Warehouse(server_url).url)


def rows(*values, columns="id, name, amount"):
    return f"select * from (values {', '.join(values)}) as t ({columns})"


def test_the_same_rows_in_another_order_are_no_difference(pair):
    found = pair.compare(rows("(1, 'a', null)", "(2, 'b', 2)"), rows("(2, 'b', 2)", "(1, 'a', null)"))
    assert (found.is_empty, found.count_here, found.count_there) == (True, 2, 2)


def test_rows_are_compared_by_key_and_values_by_column(pair):
    here = rows("(1, 'a', 1.5)", "(2, 'B', null)", "(3, 'c', 3)", "(5, 'e', 5)", "(6, 'f', 6)")
    there = rows("(1, 'a', 1.50)", "(2, 'b', 2)", "(3, null, 3)", "(4, 'd', 4)")
    found = pair.compare(here, there)
    assert (found.count_here, found.count_there, found.count_only_here, found.count_only_there) == (5, 4, 2, 1)
    assert found.count_changed == 2
    assert (found.only_here, found.only_there) == ([Example("5"), Example("6")], [Example("4")])
    assert [(change.column, change.count, change.examples) for change in found.changes] == [
        ("name", 2, [Example("2", "b", "B"), Example("3", "null", "c")]),
        ("amount", 1, [Example("2", "2", "null")]),
    ]


def test_columns_are_told_apart_and_a_new_type_alone_changes_no_value(pair):
    here = "select 1 as id, 2::numeric(16, 3) as amount, '7'::text as code, 1 as new"
    found = pair.compare(here, "select 1 as id, 2::integer as amount, 7::integer as code, true as old")
    assert (found.added, found.removed) == ({"new": "integer"}, {"old": "boolean"})
    assert found.retyped == {"amount": ("integer", "numeric(16,3)"), "code": ("integer", "text")}
    assert (found.count_changed, found.is_empty) == (0, False)


@pytest.mark.parametrize("side", ["here", "there"])
def test_personal_values_are_never_shown_whichever_side_calls_them_so(pair, side):
    here, there = rows("(1, 'Ann', 1)"), rows("(1, 'Bob', 2)")
    pair.add("dim_things", here, there, personal=("name",))
    other = BEN.target if side == "there" else BEN.state
    pair.nodes[other]["dim_things"]["columns"]["name"]["config"]["meta"] = {}
    (other / "manifest.json").write_text(json.dumps({"nodes": pair.nodes[other]}))
    changes = {change.column: change.examples for change in compare(pair.url, BEN, "dim_things").changes}
    assert changes == {"name": [Example("1", HIDDEN, HIDDEN)], "amount": [Example("1", "2", "1")]}


def test_a_personal_key_is_not_shown_either(pair):
    here, there = rows("('ann', 1)", columns="mail, n"), rows("('bob', 1)", columns="mail, n")
    found = pair.compare(here, there, key=["mail"], personal=["mail"])
    assert (found.only_here, found.only_there) == ([Example(HIDDEN)], [Example(HIDDEN)])


def test_nothing_is_shown_of_a_model_without_a_contract(pair):
    found = pair.compare(rows("(1, 'Ann', 1)"), rows("(1, 'Bob', 1)"), contract=False)
    assert [change.examples for change in found.changes] == [[Example(HIDDEN, HIDDEN, HIDDEN)]]


def test_a_key_of_several_columns(pair):
    here, there = rows("(1, 'a', 1)", "(1, 'b', 2)"), rows("(1, 'a', 1)", "(1, 'b', 3)", "(2, 'a', 1)")
    found = pair.compare(here, there, key=["id", "name"])
    assert (found.only_there, found.changes[0].examples) == ([Example("2, a")], [Example("1, b", "3", "2")])


def test_without_a_key_rows_are_compared_as_wholes(pair):
    found = pair.compare(rows("(1, 'a', 1)", "(1, 'a', 1)", "(2, 'b', 1)"), rows("(1, 'a', 1)", "(2, 'c', 1)"), key=())
    assert (found.key, found.count_only_here, found.count_only_there, found.count_changed) == ([], 2, 1, 0)
    assert (found.only_here, found.changes) == ([], [])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(*[st.dictionaries(st.integers(1, 6), st.tuples(*[st.sampled_from(["1", "2", "null"])] * 2), min_size=1)] * 2)
def test_the_counts_are_those_of_plain_python(pair, here, there):
    def query(values):
        return rows(*(f"({k}, {a}::integer, {b}::integer)" for k, (a, b) in values.items()), columns="id, a, b")

    found = pair.compare(query(here), query(there))
    both = here.keys() & there.keys()
    assert (found.count_here, found.count_there) == (len(here), len(there))
    assert (found.count_only_here, found.count_only_there) == (len(here.keys() - both), len(there.keys() - both))
    assert found.count_changed == sum(here[key] != there[key] for key in both)
    counts = {change.column: change.count for change in found.changes}
    for number, column in enumerate("ab"):
        assert counts.get(column, 0) == sum(here[key][number] != there[key][number] for key in both)


def test_what_cannot_be_compared_is_told_in_one_line(pair):
    pair.add("dim_things", rows("(1, 'a', 1)"), rows("(1, 'a', 1)"))
    pair.add("dim_new", "select 1 as id", None)
    pair.add("dim_same", "select 1 as id", "select 1 as id")
    pair.execute(f"drop table {BEN.schema}.dim_same")
    for model, reason in {"dim_nobody": "there is no", "dim_new": "is new", "dim_same": "has not changed"}.items():
        with pytest.raises(SandboxError, match=reason):
            compare(pair.url, BEN, model)
    with pytest.raises(SandboxError, match="sandbox_cleo: it is not built yet"):
        compare(pair.url, Sandbox.of("cleo"), "dim_things")


def test_a_sandbox_of_an_older_night_is_refused(pair):
    pair.add("dim_things", rows("(1, 'a', 1)"), rows("(1, 'a', 1)"))
    with psycopg.connect(pair.url) as connection:
        (old,) = connection.execute("select run_id from store.current").fetchone()
    newer = open_night(pair.url, NIGHT, "test").run_id
    pair.execute(f"update store.current set run_id = {newer}")
    with pytest.raises(SandboxError, match=rf"run {newer} is published since it was built"):
        compare(pair.url, BEN, "dim_things")
    pair.execute(f"update store.current set run_id = {old}")


def test_the_table_in_the_terminal_and_the_exit_codes(pair, monkeypatch):
    monkeypatch.setattr(analyst_cli, "warehouse", lambda *_: pair.url)
    monkeypatch.setattr(analyst_cli.console, "_width", 120)
    here, there = rows("(1, 'Ann', 1)", "(3, 'C', 3)"), rows("(1, 'Bob', 2)", "(2, 'D', 4)")
    pair.add("dim_things", here, there, personal=["name"])
    arguments = ["diff", "dim_things", "--name", "ben"]
    shown = CliRunner().invoke(analyst_cli.app, arguments)
    assert shown.exit_code == 0
    text = re.sub(r" +", " ", shown.output)
    assert "only in production 1 2" in text
    assert "only in the sandbox 1 3" in text
    assert "amount 1 1 2 1" in text
    assert "Ann" not in text
    assert "Bob" not in text
    assert CliRunner().invoke(analyst_cli.app, [*arguments, "--exit-code"]).exit_code == 1
    pair.add("dim_things", rows("(1, 'Ann', 1)"), rows("(1, 'Ann', 1)"))
    same = CliRunner().invoke(analyst_cli.app, [*arguments, "--exit-code"])
    assert (same.exit_code, "no difference: 1 rows" in same.output) == (0, True)
    assert CliRunner().invoke(analyst_cli.app, ["diff", "dim_nobody", "--name", "ben"]).exit_code == 2
