"""Old scores stay: nights in any order, run again, and not published, leave the history that each run should show."""

from __future__ import annotations

from datetime import date

import pytest
from psycopg import connect, sql

from kehu.warehouse.kept import reading_view
from tests.dbt_project.warehouse import Warehouse

CHURN = """
insert into ml.customer_churn
    (customer_id, as_of_date, horizon_days, churn_probability, churn_method, model_version, scored_at)
values (%(customer)s, %(day)s, 90, %(score)s, 'blend', %(version)s, cast(%(day)s as date) + 1)
"""
VALUES = """
insert into ml.customer_values
    (customer_id, as_of_date, horizon_days, customer_value, value_method, model_version, scored_at)
values (%(customer)s, %(day)s, 365, %(score)s, 'nbd', %(version)s, cast(%(day)s as date) + 1)
"""
NODES = ("stg_ml__customer_churn", "stg_ml__customer_values", "fct_customer_score_history")


def on(number):
    return date(2024, 6, number)


def night(made, number, version, scores):
    """What the score tasks and dbt leave of a night; its run."""
    day = on(number)
    with connect(made.url) as connection:
        for table in ("customer_churn", "customer_values"):
            connection.execute(f"delete from ml.{table} where as_of_date = %s", [day])
        for customer, score in scores.items():
            told = {"customer": customer, "day": day, "version": version, "score": score}
            connection.execute(CHURN, told)
            connection.execute(VALUES, told | {"score": None if score is None else 100 * score})
    made.build_nodes(*NODES, day=day)
    return made.rows("select max(run_id) from ops.runs")[0][0]


@pytest.fixture(scope="module")
def built(server_url):
    """Nights 1, 4 and 2 in that order; c was merged away by night 4, and night 4 is run again by another model."""
    made = Warehouse(server_url)
    made.runs = {
        "first": night(made, 1, "churn-2-a", {"b": 0.2, "c": 0.3, "d": None}),
        "fourth": night(made, 4, "churn-2-a", {"b": 0.4}),
        "late": night(made, 2, "churn-2-a", {"b": 0.25, "c": 0.35}),
        "again": night(made, 4, "churn-2-b", {"b": 0.5}),
    }
    return made


def shown(built, run):
    """Day, customer, version and score of churn as a run's own marts show them."""
    return built.rows(f"""
        select extract(day from as_of_date)::int, customer_id, model_version, score
        from run_{built.runs[run]}.fct_customer_score_history where question = 'churn' order by 1, 2
    """)


FIRST = [(1, "b", "churn-2-a", 0.2), (1, "c", "churn-2-a", 0.3)]
SECOND = [(2, "b", "churn-2-a", 0.25), (2, "c", "churn-2-a", 0.35)]


def test_each_run_shows_the_nights_up_to_its_own_that_ran_before(built):
    assert shown(built, "first") == FIRST
    assert shown(built, "fourth") == [*FIRST, (4, "b", "churn-2-a", 0.4)]
    assert shown(built, "late") == [*FIRST, *SECOND]


def test_a_night_run_again_replaces_its_own_scores_and_no_others(built):
    assert shown(built, "again") == [*FIRST, *SECOND, (4, "b", "churn-2-b", 0.5)]


def test_values_are_kept_beside_churn_and_the_time_is_the_nights_not_the_clocks(built):
    found = built.rows(f"""
        select customer_id, score, horizon_days, method, scored_at::text
        from run_{built.runs["again"]}.fct_customer_score_history
        where question = 'value' and as_of_date = '2024-06-02' order by 1
    """)
    assert found == [
        ("b", 25.0, 365, "nbd", "2024-06-03 00:00:00+00"),
        ("c", 35.0, 365, "nbd", "2024-06-03 00:00:00+00"),
    ]


def test_readers_of_an_earlier_night_see_none_of_later_ones(built):
    for run in ("late", "again"):
        with connect(built.url) as connection:
            connection.execute("update store.current set run_id = %s", [built.runs[run]])
            view = reading_view(connection, "fct_customer_score_history")
            query = sql.SQL(
                "select extract(day from as_of_date)::int, customer_id, model_version, score from ({}) as history"
                " where question = 'churn' order by 1, 2"
            ).format(view)
            assert connection.execute(query).fetchall() == shown(built, run)


def test_rows_of_other_nights_are_never_written_again(built):
    """Ends and beginnings alone: what was told on another night has the run that told it."""
    runs = built.rows("""
        select extract(day from as_of_date)::int, run_from, run_to from kept.fct_customer_score_history
        where question = 'churn' and customer_id = 'b' order by 1, 2
    """)
    first, fourth, late, again = (built.runs[name] for name in ("first", "fourth", "late", "again"))
    assert runs == [(1, first, None), (2, late, None), (4, fourth, again), (4, again, None)]
