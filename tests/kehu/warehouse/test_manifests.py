"""What is kept of a night: the manifest while the run is kept, keys and relations of the marts for BI tools."""

from __future__ import annotations

import json

import psycopg
import pytest

from kehu.warehouse import publish as publishing
from kehu.warehouse.manifests import keep, kept, primary_key
from tests.kehu.warehouse.test_publish import build


def column(name, *constraints):
    return {name: {"name": name, "constraints": [{"type": kind} for kind in constraints]}}


def manifest(schema):
    """Things by id, parts by thing and number; parts refer to things, and to something in staging."""

    def model(name, schema, columns, constraints=()):
        node = {"name": name, "resource_type": "model", "schema": schema, "columns": columns}
        return {f"model.{name}": {**node, "constraints": list(constraints)}}

    def relation(name, column_name, to, field):
        metadata = {"name": "relationships", "kwargs": {"to": f"ref('{to}')", "field": field}}
        node = {"name": name, "resource_type": "test", "schema": "tests", "column_name": column_name}
        return {f"test.{name}": {**node, "attached_node": "model.fct_things", "test_metadata": metadata}}

    key = {"type": "primary_key", "columns": ["id", "number"]}
    nodes = model("dim_things", schema, column("id", "not_null", "primary_key"))
    nodes |= model("fct_things", schema, column("id") | column("number"), [{"type": "check"}, key])
    nodes |= model("stg_things", "staging", column("id", "primary_key"))
    nodes |= relation("a", "id", "dim_things", "id") | relation("b", "number", "stg_things", "id")
    nodes["test.c"] = {"name": "c", "resource_type": "test", "test_metadata": {"name": "not_null"}}
    return {"nodes": nodes, "macros": {}}


def rows(url, query):
    with psycopg.connect(url) as connection:
        connection.execute("set role bi_reader")
        return connection.execute(query).fetchall()


@pytest.fixture
def project(tmp_path):
    (tmp_path / "dbt_project.yml").write_text("vars: {active_days: 90}")
    return tmp_path


def show(url, project):
    night = build(url, 1)
    (project / "manifest.json").write_text(json.dumps(manifest(night.schema)))
    keep(url, night, project / "manifest.json", project)
    publishing.attach(url, night)
    publishing.publish(url, night)
    return night


def test_readers_see_keys_and_relations_of_published_marts(url, project):
    show(url, project)
    assert rows(url, "select mart, position, column_name from ops.published_keys order by 1, 2") == [
        ("dim_things", 1, "id"),
        ("fct_things", 1, "id"),
        ("fct_things", 2, "number"),
    ]
    assert rows(url, "select * from ops.published_relations") == [("fct_things", "id", "dim_things", "id")]


def test_keeping_again_replaces_and_a_retired_run_is_forgotten(url, project):
    first = show(url, project)
    keep(url, first, project / "manifest.json", project)
    assert kept(url, first).parameters == {"active_days": 90}
    for _ in range(publishing.KEPT_RUNS):
        last = show(url, project)
    assert publishing.retire(url) == [first.run_id]
    assert kept(url, first) is None
    assert kept(url, last).manifest == manifest(last.schema)
    assert len(rows(url, "select * from ops.published_relations")) == 1


def test_a_model_may_have_no_key():
    assert primary_key({"columns": column("id", "not_null")}) == []
