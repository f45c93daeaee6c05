"""Personal columns: masked in `marts`, clear in `pii` for those who may, whichever run is shown."""

from __future__ import annotations

import json

import psycopg
import pytest

from kehu.warehouse import publish as publishing
from kehu.warehouse.fingerprint import fingerprint
from kehu.warehouse.manifests import keep
from kehu.warehouse.masks import UnknownKindError
from tests.kehu.warehouse.test_publish import build

KINDS = {
    "mail": "mail", "phone": "phone", "full_name": "name", "handle": "handle", "born": "birth_date",
    "street": "address", "words": "free_text", "account": "identifier", "odd": "phone",
}  # fmt: skip
PEOPLE = """
insert into {schema}.dim_people values
    (1, 'anna@example.org', '+441632960123', 'Anna Maria Smith', 'annas', date '1980-05-17', 'High Street 1', 'help me',
        'A1', 7, {built_by}),
    (2, 'b', '1', '王小明', 'b', date '1999-01-01', 's', 'w', 'A2', 8, {built_by}),
    (3, null, null, '王 小明', null, null, null, null, null, null, {built_by})
"""
COLUMNS = """
    id integer, mail text, phone text, full_name text, handle text, born date, street text, words text, account text,
    odd integer, built_by bigint
"""


def night_of_people(url, tmp_path, kinds=KINDS):
    """A night whose people are declared personal in these words, attached."""
    night = build(url, 1, marts=("dim_things",))
    with psycopg.connect(url) as connection:
        connection.execute(f"create table {night.schema}.dim_people ({COLUMNS})")
        connection.execute(PEOPLE.format(schema=night.schema, built_by=night.run_id))
        connection.execute(f"comment on column {night.schema}.dim_people.mail is 'A mail address.'")
    columns = {name: {"name": name, "config": {"meta": {"personal": kind}}} for name, kind in kinds.items()}
    node = {"name": "dim_people", "resource_type": "model", "schema": night.schema, "columns": columns}
    (tmp_path / "dbt_project.yml").write_text("vars: {}")
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": {"model.dim_people": node}}))
    keep(url, night, tmp_path / "manifest.json", tmp_path)
    publishing.attach(url, night)
    return night


def rows(url, query, role=None):
    with psycopg.connect(url) as connection:
        if role:
            connection.execute(f"set role {role}")
        return connection.execute(query).fetchall()


def test_each_kind_is_masked_with_its_name_and_type(url, tmp_path):
    publishing.publish(url, night_of_people(url, tmp_path))
    shown = rows(
        url,
        "select id, mail, phone, full_name, handle, born::text, street, words, account, odd from marts.dim_people"
        " order by id",
        "bi_reader",
    )
    assert shown == [
        (1, "a***@…", "***23", "A. M. S.", "a***", "1980-01-01", None, None, "A1", None),
        (2, "b***@…", "***1", "王…", "b***", "1999-01-01", None, None, "A2", None),
        (3, None, None, "王…", None, None, None, None, None, None),
    ]
    shapes = """
        select attname, format_type(atttypid, atttypmod) from pg_attribute
        where attrelid = to_regclass(%s) and attnum > 0 order by attnum
    """
    with psycopg.connect(url) as connection:
        one, other = (connection.execute(shapes, [f"{schema}.dim_people"]).fetchall() for schema in ("marts", "pii"))
    assert one == other


def test_clear_text_is_for_its_readers_only(url, tmp_path):
    publishing.publish(url, night_of_people(url, tmp_path))
    assert rows(url, "select mail from pii.dim_people where id = 1", "pii_reader") == [("anna@example.org",)]
    for role in ("bi_reader", "sandbox_builder", "contact_exporter"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            rows(url, "select mail from pii.dim_people", role)
    # A condition sees what its reader sees.
    assert rows(url, "select id from marts.dim_people where mail like 'anna%'", "bi_reader") == []
    # A mart without personal columns has no second view.
    assert rows(url, "select viewname from pg_views where schemaname = 'pii'") == [("dim_people",)]
    assert rows(url, "select column_name, kind from ops.published_personal where kind = 'mail'", "bi_reader") == [
        ("mail", "mail")
    ]


def test_both_views_follow_the_pointer_and_are_described(url, tmp_path):
    first, second = night_of_people(url, tmp_path), night_of_people(url, tmp_path)
    for night in (first, second, first):
        publishing.publish(url, night)
        for schema in ("marts", "pii"):
            assert rows(url, f"select distinct built_by from {schema}.dim_people") == [(night.run_id,)]
            described = f"select col_description('{schema}.dim_people'::regclass, 2)"
            assert rows(url, described) == [("A mail address.",)]


def test_a_column_stays_masked_while_a_kept_run_calls_it_personal(url, tmp_path):
    publishing.publish(url, night_of_people(url, tmp_path))
    query = "select mail from marts.dim_people where id = 1"
    for _ in range(publishing.KEPT_RUNS):
        night = night_of_people(url, tmp_path, kinds={})
        assert rows(url, query) == [("a***@…",)]
        publishing.publish(url, night)
        publishing.retire(url)
    publishing.publish(url, night_of_people(url, tmp_path, kinds={}))
    assert rows(url, query) == [("anna@example.org",)]


def test_a_mart_that_was_shown_in_clear_text_becomes_masked_under_its_readers(url, tmp_path):
    publishing.publish(url, night_of_people(url, tmp_path, kinds={}))
    with psycopg.connect(url) as connection:
        connection.execute("create view public.of_an_analyst as select mail from marts.dim_people where id = 1")
    publishing.publish(url, night_of_people(url, tmp_path))
    assert rows(url, "select * from public.of_an_analyst") == [("a***@…",)]


def test_an_unknown_kind_is_refused(url, tmp_path):
    with pytest.raises(UnknownKindError, match=r"dim_people.mail: personal: contact is none of mail, phone"):
        night_of_people(url, tmp_path, kinds={"mail": "contact"})


def test_the_fingerprint_is_of_the_clear_text(url, tmp_path):
    night = night_of_people(url, tmp_path)
    publishing.publish(url, night)
    before = fingerprint(url)
    with psycopg.connect(url) as connection:
        connection.execute(f"update {night.schema}.dim_people set street = 'Low Street 2' where id = 1")
    after = fingerprint(url)
    assert before["dim_people"] != after["dim_people"]
    assert before["dim_things"] == after["dim_things"]


def test_what_is_sealed_shows_nothing_and_counts_for_no_fingerprint(url, tmp_path):
    night = night_of_people(url, tmp_path, kinds=KINDS | {"words": "sealed"})
    publishing.publish(url, night)
    assert set(rows(url, "select words from marts.dim_people")) == {(None,)}
    before = fingerprint(url)
    with psycopg.connect(url) as connection:
        connection.execute(f"update {night.schema}.dim_people set words = 'under another key'")
    assert fingerprint(url) == before
