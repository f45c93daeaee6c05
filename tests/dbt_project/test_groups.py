"""No shared report shows groups of few customers: each says what it shows, and no total gives a hidden group back."""

from __future__ import annotations

import itertools
import random

import jinja2
import psycopg
import pytest
import yaml

from kehu.paths import DBT_PROJECT

LEAST = 10
SHOWS = {
    "people": "one row per person or record: a work list, for those who work through it",
    "groups": "figures of groups of customers: shared",
    "company": "figures of the whole company, of deals or of public posts: shared",
    "upkeep": "the state of sources, lines and tags: for the stewards",
}


def reports():
    """The models of the folder `publish`, by name."""
    files = sorted((DBT_PROJECT / "models" / "publish").rglob("_*__models.yml"))
    return {model["name"]: model for file in files for model in yaml.safe_load(file.read_text())["models"]}


def test_each_report_says_what_it_shows():
    shown = {name: model.get("config", {}).get("meta", {}).get("shows") for name, model in reports().items()}
    assert set(shown.values()) == set(SHOWS), shown


def test_reports_of_groups_are_guarded_and_tested_each_night():
    groups = {name: model for name, model in reports().items() if model["config"]["meta"]["shows"] == "groups"}
    assert len(groups) > 5
    for name, model in groups.items():
        columns = {column["name"] for column in model["columns"]}
        (counts,) = (
            test["shows_no_small_groups"]["arguments"]["counts"]
            for test in model["data_tests"]
            if "shows_no_small_groups" in test
        )
        assert {"is_suppressed", *counts} <= columns, name


def macros(least=LEAST):
    """The macros of groups.sql and of the test, outside dbt."""
    text = (DBT_PROJECT / "macros" / "groups.sql").read_text()
    environment = jinja2.Environment()  # noqa: S701  (SQL)
    return environment.from_string(text, globals={"var": {"least_group": least}.__getitem__}).module


def hidden(connection, cells, totals):
    """Which of (row, column, count) the macro hides."""
    values = ", ".join(str(cell) for cell in cells)
    ctes = macros().hidden_groups("guarded", "cells", "n", macros().is_small_group("n"), totals, ["r", "c"])
    query = f"with cells (r, c, n) as (values {values}), {ctes} select r, c from guarded where is_hidden"
    return set(connection.execute(query).fetchall())


@pytest.mark.parametrize("totals", [[[]], [["c"]], [["c"], ["r"]]], ids=["all", "columns", "both ways"])
def test_no_total_gives_a_hidden_group_back(url, totals):
    dice = random.Random(7)
    with psycopg.connect(url) as connection:
        for _ in range(150):
            places = itertools.product(range(dice.randint(1, 7)), range(dice.randint(1, 7)))
            cells = [(r, c, dice.choice([0, dice.randint(1, 9), dice.randint(5, 60)])) for r, c in places]
            gone = hidden(connection, cells, totals)
            assert gone >= {(r, c) for r, c, n in cells if 0 < n < LEAST}
            for total in totals:
                for _, group in itertools.groupby(
                    sorted(cells, key=lambda cell: [cell["rc".index(name)] for name in total]),
                    key=lambda cell: [cell["rc".index(name)] for name in total],
                ):
                    told = [cell for cell in group if cell[2]]
                    left_out = [n for r, c, n in told if (r, c) in gone]
                    # Hidden groups are none, all that there is, or two at least that are enough customers together.
                    assert (
                        not left_out or len(left_out) == len(told) or (len(left_out) > 1 and sum(left_out) >= LEAST)
                    ), (cells, gone)


def test_nothing_is_hidden_without_need(url):
    with psycopg.connect(url) as connection:
        cells = [(r, c, 10 + r + c) for r in range(4) for c in range(4)] + [(9, 9, 0)]
        assert hidden(connection, cells, [["c"], ["r"]]) == set()
        assert hidden(connection, [(0, 0, 9), (1, 0, 30), (2, 0, 20), (3, 0, 25)], [[]]) == {(0, 0), (2, 0)}


@pytest.mark.parametrize(("part", "whole", "is_small"), [
    (0, 10, False), (10, 20, False), (20, 20, False), (9, 30, True), (21, 30, True), (0, 9, True), (0, 0, False),
])  # fmt: skip
def test_a_part_is_small_if_it_or_the_rest_or_the_whole_is(url, part, whole, is_small):
    query = f"select {macros().is_small_part('part', 'whole')} from (values ({part}, {whole})) as t (part, whole)"
    with psycopg.connect(url) as connection:
        assert connection.execute(query).fetchone() == (is_small,)


@pytest.mark.parametrize(("counts", "found"), [((0, None), 0), ((10, 400), 0), ((1, 50), 1), ((50, 9), 1)])
def test_the_nightly_test_finds_a_small_group(url, counts, found):
    text = (DBT_PROJECT / "tests" / "generic" / "shows_no_small_groups.sql").read_text()
    body = text.partition("counts) %}")[2].partition("{% endtest %}")[0]
    environment = jinja2.Environment()  # noqa: S701  (SQL)
    rendered = environment.from_string(body, globals={"is_small_group": macros().is_small_group})
    with psycopg.connect(url) as connection:
        connection.execute("create temporary table report (a integer, b integer)")
        connection.execute("insert into report values (%s, %s)", counts)
        rows = connection.execute(rendered.render(model="report", counts=["a", "b"])).fetchall()
    assert len(rows) == found
