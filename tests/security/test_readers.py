"""Attacks of one who has a BI tool's login, or a stage's, on what is not theirs."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.errors import FeatureNotSupported, InsufficientPrivilege, ReadOnlySqlTransaction, ReservedName

from kehu.local.environment import with_login
from kehu.warehouse.publish import PUBLISH_LOCK
from kehu.warehouse.roles import Role, as_role, let_log_in

PASSWORD = "only-for-this-test"


@pytest.fixture
def reader(busy):
    """A BI tool's session that has switched its read-only default off."""
    let_log_in(busy, "bi_reader", PASSWORD)
    with psycopg.connect(with_login(busy, "bi_reader", PASSWORD), autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off; set statement_timeout = 0")
        assert connection.execute("select name from marts.dim_things").fetchall() == [("seen",)]
        yield connection


def denied(connection, *statements):
    for statement in statements:
        with pytest.raises((InsufficientPrivilege, FeatureNotSupported, ReservedName)):
            connection.execute(statement)


def test_quarantine_unaudited_runs_and_other_layers_are_closed(reader):
    denied(
        reader,
        "select * from ops.quarantine",
        "select * from store.dim_things where run_id = 2",
        "select * from run_2.dim_things",
        "select * from raw_crm.contacts",
        "select * from staging.made_1",
        "select * from identity.assignments",
        "select * from ml.models",
        "select * from ops.access_tokens",
        "select * from ops.erasure_requests",
        "select run_id from store.current for update",
        "table kept.things",
    )
    # What the catalog tells everybody is names, never rows; statistics of others' columns are not among them.
    query = "select count(*) from pg_stats where schemaname in ('store', 'raw_crm', 'identity', 'run_1', 'run_2')"
    assert reader.execute(query).fetchone() == (0,)


def test_nothing_can_be_written_whatever_the_session_sets(reader):
    denied(
        reader,
        "insert into marts.dim_things values (9, 'x')",
        "update marts.dim_things set name = 'x'",
        "delete from ops.published_run",
        "update store.current set run_id = 2",
        "truncate store.publication_log",
        "create table public.t (a int)",
        "create schema s",
        "create table marts.t (a int)",
        "create extension unaccent",
        "drop view marts.dim_things",
        "alter view marts.dim_things owner to bi_reader",
        "comment on view marts.dim_things is 'x'",
        "select lo_create(0)",
        "select lo_from_bytea(0, 'x')",
        "select nextval('ops.loads_load_id_seq')",
    )


def test_the_servers_files_and_programs_are_out_of_reach(reader):
    denied(
        reader,
        "copy (select 1) to program 'id'",
        "copy (select 1) to '/tmp/kehu_attack'",
        "do $$ begin execute 'copy (select 1) to program ''id'''; end $$",
        "select pg_read_file('/etc/passwd')",
        "select pg_read_binary_file('/etc/passwd')",
        "select pg_ls_dir('/')",
        "select lo_import('/etc/passwd')",
        "select lo_export(1, '/tmp/kehu_attack')",
        "load 'plpython3u'",
        "create function f() returns int language c as 'libc', 'system'",
        "alter system set archive_command = 'id'",
        "select pg_reload_conf()",
    )


@pytest.mark.parametrize("role", ["kehu", "publisher", "pii_reader", "sandbox_builder", "pg_read_all_data"])
def test_no_way_leads_up_to_another_role(reader, role):
    denied(
        reader,
        f"set role {role}",
        f"set session authorization {role}",
        f"grant {role} to bi_reader",
        "alter role bi_reader superuser",
        "create role other login",
        f"alter role {role} password 'x'",
    )
    reader.execute("reset role; reset session authorization")
    assert reader.execute("select current_user::text").fetchone() == ("bi_reader",)


def test_the_nights_login_has_no_rights_to_fall_back_on(busy):
    let_log_in(busy, "night", PASSWORD)
    url = with_login(busy, "night", PASSWORD)
    with psycopg.connect(as_role(url, Role.LOADER), autocommit=True) as connection:
        connection.execute("set role none")
        denied(connection, "select * from ops.loads", "select * from marts.dim_things", "set role kehu")
        denied(connection, "set role sandbox_builder", "create table public.t (a int)", "set role pii_reader")


def test_temporary_objects_shadow_nothing(busy, reader):
    denied(reader, "create temporary table loads (a int)", "create temporary view current as select 1")
    denied(reader, "create function pg_temp.lower(text) returns text language sql as 'select $1'")
    # A stage may make them; the one function that works with the owner's rights does not look there.
    with psycopg.connect(as_role(busy, Role.PUBLISHER), autocommit=True) as connection:
        connection.execute("""
            create temporary table pg_class as select 1 as oid;
            create temporary table pg_namespace as select 'ops'::name as nspname;
            create function pg_temp.format(text, variadic text[]) returns text language sql
            as $$ select 'alter role publisher superuser' $$;
            create function pg_temp.pg_get_userbyid(oid) returns name language plpgsql
            as $$ begin execute 'alter role publisher superuser'; return 'x'; end $$;
            set search_path = pg_temp, pg_catalog;
            select ops.take_over(2)
        """)
        assert connection.execute("select rolsuper from pg_roles where rolname = 'publisher'").fetchone() == (False,)
        with pytest.raises(InsufficientPrivilege):
            connection.execute("select ops.hand_over('identity', 'publisher')")
        with pytest.raises(psycopg.errors.RaiseException, match="there is no run 77"):
            connection.execute("select ops.take_over(77)")


def test_a_cheap_function_with_a_leak_sees_published_rows_only(busy, reader):
    denied(reader, "create function public.peek(text) returns boolean language sql as 'select true'")
    # Even one that the owner had made, cheaper than any filter and with pruning off, is asked last.
    with psycopg.connect(busy, autocommit=True) as owner:
        owner.execute("""
            create function public.peek(word text) returns boolean language plpgsql cost 0.0000001
            as $$ begin raise notice 'peeked %', word; return true; end $$
        """)
    heard = []
    reader.add_notice_handler(lambda diagnostic: heard.append(diagnostic.message_primary))
    reader.execute("set enable_partition_pruning = off; set enable_seqscan = off")
    reader.execute("select count(*) from marts.dim_things where public.peek(name)")
    assert heard == ["peeked seen"]


def test_a_reader_cannot_hold_up_the_publishing(reader):
    denied(
        reader,
        f"select pg_advisory_lock({PUBLISH_LOCK})",
        f"select pg_advisory_xact_lock_shared({PUBLISH_LOCK})",
        "do $$ begin lock table store.current in access share mode; end $$",
        "do $$ begin lock table marts.dim_things in access exclusive mode; end $$",
    )


def test_a_readers_session_is_read_only_and_limited_from_the_start(busy):
    let_log_in(busy, "bi_reader", PASSWORD)
    with psycopg.connect(with_login(busy, "bi_reader", PASSWORD)) as connection:
        names = ("statement_timeout", "idle_in_transaction_session_timeout", "default_transaction_read_only")
        told = [connection.execute("select current_setting(%s)", [name]).fetchone() for name in names]
        assert told == [("15min",), ("1min",), ("on",)]
        with pytest.raises((ReadOnlySqlTransaction, InsufficientPrivilege)):
            connection.execute("create table t (a int)")
