from __future__ import annotations

import pytest

from kehu.warehouse.dbt import environment, without_values


def test_credentials_are_taken_apart_and_unquoted():
    made = environment("postgresql://me%40home:p%2Fw@db:5433/house")
    assert made["KEHU_DBT_USER"] == "me@home"
    assert made["DBT_ENV_SECRET_KEHU_PASSWORD"] == "p/w"
    assert (made["KEHU_DBT_HOST"], made["KEHU_DBT_PORT"], made["KEHU_DBT_DATABASE"]) == ("db", "5433", "house")


@pytest.mark.parametrize(
    "said",
    [
        'invalid input syntax for type integer: "secret"',
        'value "secret" is out of range for type integer',
        '"secret" is out of range for type double precision',
        'invalid value "secret" for "YYYY"',
        'invalid input syntax for type date: "a "secret" day"',
    ],
)
def test_a_message_loses_the_value_that_does_not_fit(said):
    assert "secret" not in without_values(said)
    assert "…" in without_values(said)


def test_a_message_keeps_the_names_of_columns():
    assert without_values('column "amount" does not exist') == 'column "amount" does not exist'
