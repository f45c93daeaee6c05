"""The whole matrix of roles, objects and verbs, from the catalog, against the reviewed table `grants.yml`."""

from __future__ import annotations

import psycopg
import pytest

from kehu.local.environment import with_database
from kehu.warehouse import migrate as migrating
from kehu.warehouse import publish as publishing
from kehu.warehouse.roles import Role, as_role, role_of
from kehu.warehouse.tables import connect
from tests.security.catalog import EXPECTED, column_grants, differences, held, memberships
from tests.security.conftest import build

# What a night of the owner's had left: raw rows, a layer, a mart published, one of the kept sort.
BEFORE = """
insert into ops.runs (as_of_date, airflow_run_id, status) values ('2023-12-31', 'test', 'published');
create schema raw_crm;
create table raw_crm.contacts (_load_id bigint);
grant usage on schema raw_crm to sandbox_builder;
grant select on all tables in schema raw_crm to sandbox_builder;
create table staging.made_0 (thing_id int);
create table kept.things (thing_id int, run_from bigint, run_to bigint);
create schema run_1;
create view run_1.things as select thing_id from kept.things;
create view marts.things with (security_barrier) as select thing_id from kept.things;
create table run_1.dim_things (thing_id int, name text, run_id bigint not null default 1 check (run_id = 1));
insert into run_1.dim_things values (1, 'old');
create table store.dim_things (like run_1.dim_things) partition by list (run_id);
alter table store.dim_things attach partition run_1.dim_things for values in (1);
create view marts.dim_things with (security_barrier) as select thing_id, name from store.dim_things
where run_id = (select run_id from store.current);
grant select on marts.dim_things, marts.things to bi_reader;
update store.current set run_id = 1;
"""


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


def test_a_warehouse_from_before_the_roles_goes_on(server_url, monkeypatch):
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("create database before_roles")
    url, all_of_them = with_database(server_url, "before_roles"), migrating._migrations()
    with monkeypatch.context() as patched:
        patched.setattr(migrating, "_migrations", lambda: [one for one in all_of_them if one[0] < "0020"])
        migrating.migrate(url)
    with psycopg.connect(url) as connection:
        connection.execute(BEFORE)
    assert "0020_roles" in migrating.migrate(url)
    night = build(url, "new")
    with psycopg.connect(as_role(url, Role.TRANSFORMER)) as connection:
        connection.execute(f"create view {night.schema}.things as select thing_id from kept.things")
        connection.execute("alter table kept.things add column name text")
    publishing.attach(as_role(url, Role.PUBLISHER), night)
    publishing.publish(as_role(url, Role.PUBLISHER), night)
    publishing.retire(as_role(url, Role.PUBLISHER), keep=1)
    with psycopg.connect(url) as connection:
        assert connection.execute("select name from marts.dim_things").fetchall() == [("new",)]
        assert connection.execute("select to_regnamespace('run_1')").fetchone() == (None,)
    assert list(differences(url)) == []
