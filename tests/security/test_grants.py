"""The whole matrix of roles, objects and verbs, from the catalog, against the reviewed table `grants.yml`."""

from __future__ import annotations

import psycopg
import pytest

from kehu.warehouse.roles import Role, as_role, role_of
from kehu.warehouse.tables import connect
from tests.security.catalog import EXPECTED, column_grants, differences, held, memberships


def test_every_role_may_do_what_the_table_says_and_nothing_else(busy):
    assert list(differences(busy)) == []
    assert column_grants(busy) == []
    # All roles, schemas, tables, views, sequences and functions were asked.
    assert len(held(busy)) > 300


@pytest.mark.parametrize(
    ("grant", "told"),
    [
        ("grant select on ops.quarantine to bi_reader", "bi_reader: relation ops.quarantine: has select"),
        ("grant usage on schema store to public", "public: schema store."),
        ("grant execute on function ops.hand_over(text, text) to ml", "ml: function ops.hand_over: has execute"),
        ("revoke insert on ml.models from ml", "ml: relation ml.models: has select, should have select insert"),
        ("grant create on database {} to analyst", "analyst: database .: has connect create"),
    ],
)
def test_one_grant_more_or_less_is_seen(busy, grant, told):
    with psycopg.connect(busy) as connection:
        connection.execute(grant.format(connection.info.dbname))
    assert any(line.startswith(told) for line in differences(busy))


def test_a_column_opened_on_its_own_is_seen(busy):
    with psycopg.connect(busy) as connection:
        connection.execute("grant select (reason) on ops.quarantine to analyst")
    assert column_grants(busy) == [("ops.quarantine", "reason")]


def test_no_role_is_more_than_it_seems(busy):
    told = {role: set(rights.get("member of", "").split()) for role, rights in EXPECTED.items()}
    assert memberships(busy) == told
    query = """
        select rolname from pg_roles
        where
            rolname = any(%s)
            and (rolinherit or rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)
    """
    with psycopg.connect(busy) as connection:
        assert connection.execute(query, [list(EXPECTED)]).fetchall() == []


@pytest.mark.parametrize("role", list(Role))
def test_every_driver_works_under_the_role_of_its_url(url, role):
    mine = as_role(url, role)
    assert (role_of(mine), role_of(url)) == (role.value, "")
    with psycopg.connect(mine) as connection:
        assert connection.execute("select current_user::text").fetchone() == (role.value,)
    with connect(mine) as arrow, arrow.cursor() as cursor:
        cursor.execute("select current_user::text")
        assert cursor.fetchone() == (role.value,)
    statement_timeout = as_role(f"{url}?options=-c%20statement_timeout%3D7s", role)
    with psycopg.connect(statement_timeout) as connection:
        query = "select current_user::text, current_setting('statement_timeout')"
        assert connection.execute(query).fetchone() == (role.value, "7s")
