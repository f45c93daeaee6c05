"""A warehouse in which each role has made what its stages make, one small mart published and one not yet."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest

from kehu.warehouse import publish as publishing
from kehu.warehouse.landing import ensure_column_table, ensure_record_table
from kehu.warehouse.roles import Role, as_role
from kehu.warehouse.runs import Night, open_night


def build(url: str, name: str) -> Night:
    """A night as the stages make it: an orders mart of one row, who is `name`."""
    night = open_night(as_role(url, Role.LOADER), date(2024, 1, 1), "test")
    with psycopg.connect(as_role(url, Role.TRANSFORMER)) as connection:
        connection.execute(f"create schema {night.schema}")
        connection.execute(f"create table {night.schema}.dim_things as select 1 as thing_id, '{name}'::text as name")
        for schema in ("staging", "intermediate", "ml_features"):
            connection.execute(f"create table {schema}.made_{night.run_id} as select 1 as thing_id")
    return night


@pytest.fixture
def busy(url: str) -> str:
    """The owner's URL."""
    with psycopg.connect(as_role(url, Role.LOADER)) as connection:
        ensure_record_table(connection, "raw_crm", "contacts")
        ensure_column_table(connection, "raw_files", "lines", ["a"])
    first = build(url, "seen")
    publishing.attach(as_role(url, Role.PUBLISHER), first)
    publishing.publish(as_role(url, Role.PUBLISHER), first)
    publishing.attach(as_role(url, Role.PUBLISHER), build(url, "not audited"))
    with psycopg.connect(as_role(url, Role.TRANSFORMER)) as connection:
        connection.execute("create table kept.things (thing_id int, run_from bigint, run_to bigint)")
    return url
