from __future__ import annotations

from kehu.warehouse.dbt import environment


def test_credentials_are_taken_apart_and_unquoted():
    made = environment("postgresql://me%40home:p%2Fw@db:5433/house")
    assert made["KEHU_DBT_USER"] == "me@home"
    assert made["DBT_ENV_SECRET_KEHU_PASSWORD"] == "p/w"
    assert (made["KEHU_DBT_HOST"], made["KEHU_DBT_PORT"], made["KEHU_DBT_DATABASE"]) == ("db", "5433", "house")
