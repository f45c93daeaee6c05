"""A sandbox holds what an analyst changed and its children, read from what is published, and touches nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from kehu.analyst import sandbox as sandboxes
from kehu.analyst.diff import compare
from kehu.analyst.sandbox import Sandbox, SandboxError, begun_since, build, built_on, drop
from kehu.warehouse.runs import open_night
from tests.kehu.analyst.project import NIGHT, copy_of_project, edit, published_warehouse, relations, restore

CUSTOMERS = "models/marts/customer/dim_customers.sql"
LIFECYCLE = "models/marts/customer/fct_customer_lifecycle.sql"
CONSENTS = "models/marts/customer/fct_consents.sql"
ANNA = Sandbox.of("anna")


@pytest.fixture(scope="module")
def warehouse(server_url):
    # The unit tests of a changed model's children read the columns of these relations.
    children = ("stg_ml__customer_recommendations", "+dim_products")
    return published_warehouse(server_url, "+fct_customer_lifecycle", "+fct_consents", *children, "path:seeds")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return copy_of_project(tmp_path_factory.mktemp("analyst"))


@pytest.fixture
def project(copy):
    """The same folder each time, so that dbt reads again only what changed."""
    yield copy
    restore(copy)


def tables(warehouse, schema=ANNA.schema):
    query = "select relname from pg_class where relkind in ('r', 'v') and relnamespace::regnamespace::text = "
    found = warehouse.rows(f"{query} '{schema}'")
    return {name for (name,) in found}


def test_a_sandbox_is_named_after_its_user():
    assert [Sandbox.of(name).schema for name in ("anna", "Anna.Ö@x", "9")] == [
        "sandbox_anna",
        "sandbox_anna_x",
        "sandbox_9",
    ]
    with pytest.raises(SandboxError, match="needs a letter"):
        Sandbox.of("…")


def test_without_a_published_night_there_is_nothing_to_defer_to(url):
    with pytest.raises(SandboxError, match="nothing is published yet"):
        build(url, ANNA)


def test_an_unchanged_project_builds_nothing(warehouse, project):
    nobody = Sandbox.of("nobody")
    with pytest.raises(SandboxError, match=rf"nothing has changed since the published night {NIGHT} \(run"):
        build(warehouse.url, nobody, project)
    assert built_on(warehouse.url, nobody) is None


def test_a_changed_mart_and_its_children_are_built_from_published_rows_and_tested(warehouse, project):
    edit(project, CUSTOMERS, "coalesce(count_orders, 0)", "10 * coalesce(count_orders, 0)")
    before, told = relations(warehouse.url), []
    runs = warehouse.rows("select * from ops.runs")
    nodes = build(warehouse.url, ANNA, project, tell=told.extend)
    built = {node.name for node in nodes if node.kind == "model" and node.is_ok}
    assert {"dim_customers", "fct_customer_lifecycle"} <= built == tables(warehouse) <= set(told)
    assert "fct_orders" not in built
    assert {node.kind for node in nodes if node.is_ok} == {"model", "test"}
    assert warehouse.rows(f"select customer_id, count_orders from {ANNA.schema}.dim_customers order by 1") == [
        ("a", 20),
        ("b", 10),
        ("c", 10),
    ]
    # The child reads its changed parent and the night's own day.
    child = compare(warehouse.url, ANNA, "fct_customer_lifecycle")
    assert (child.is_empty, child.there) == (True, "marts.fct_customer_lifecycle")
    compiled = next(ANNA.target.rglob("compiled/**/dim_customers.sql")).read_text()
    assert '"marts"."fct_orders"' in compiled
    assert warehouse.night.schema not in compiled
    assert relations(warehouse.url) == before
    assert warehouse.rows("select * from ops.runs") == runs
    assert built_on(warehouse.url, ANNA) == warehouse.night.run_id


def test_what_was_changed_back_is_not_in_the_next_sandbox(warehouse, project):
    edit(project, LIFECYCLE, "with\n", "-- Another line.\nwith\n")
    edit(project, CUSTOMERS, "with\n", "-- Another line.\nwith\n")
    build(warehouse.url, ANNA, project)
    edit(project, CUSTOMERS, "-- Another line.\n", "")
    build(warehouse.url, ANNA, project)
    assert tables(warehouse) == {"fct_customer_lifecycle"}


def test_a_changed_parameter_changes_the_models_that_read_it(warehouse, project):
    """dbt's own comparison does not see it: the model's text is what it was."""
    edit(project, "dbt_project.yml", "lapsed_days: 180", "lapsed_days: 220")
    told = []
    build(warehouse.url, ANNA, project, tell=told.extend)
    assert "fct_customer_lifecycle" in told
    assert "dim_customers" not in told
    # c ordered on 2024-06-01 alone: lapsed after 180 days on 28 November, after 220 only next year.
    difference = compare(warehouse.url, ANNA, "fct_customer_lifecycle")
    assert [example.key for example in difference.only_there] == ["c/3"]
    # a ordered on 2024-01-10 and again in December.
    changed = {change.column: [tuple(vars(e).values()) for e in change.examples] for change in difference.changes}
    assert changed["valid_from"] == [("a/3", "2024-07-08", "2024-08-17")]
    assert changed["valid_to"] == [("a/2", "2024-07-08", "2024-08-17"), ("c/2", "2024-11-28", "null")]


def test_a_model_that_cannot_be_read_is_told_in_one_line_and_the_old_sandbox_stays(warehouse, project):
    edit(project, LIFECYCLE, "with\n", "-- Another line.\nwith\n")
    build(warehouse.url, ANNA, project)
    edit(project, LIFECYCLE, "ref('dim_customers')", "ref('dim_nobody')")
    with pytest.raises(SandboxError, match="fct_customer_lifecycle.*dim_nobody.*not found") as told:
        build(warehouse.url, ANNA, project)
    assert "\n" not in str(told.value)
    assert tables(warehouse) == {"fct_customer_lifecycle"}


def test_columns_that_are_not_those_of_the_contract_are_named(warehouse, project):
    edit(project, CUSTOMERS, "    has_purchased,\n", "    has_purchased,\n    1 as is_new,\n")
    broken = [node for node in build(warehouse.url, ANNA, project) if node.is_broken]
    assert broken[0].message == "the columns are not those of the contract: is_new missing in contract"


def test_a_test_that_fails_is_told(warehouse, project):
    edit(project, CONSENTS, "with\n", "-- Another line.\nwith\n")
    (project / "tests" / "fails.sql").write_text("select 1 as a from {{ ref('dim_customers') }}")
    nodes = build(warehouse.url, ANNA, project)
    assert [(node.kind, node.name, node.message) for node in nodes if node.is_broken] == [
        ("test", "fails", "Got 3 results, configured to fail if != 0")
    ]
    assert "unit_test" in {node.kind for node in nodes if node.is_ok}


@pytest.mark.parametrize(
    ("kind", "status", "message", "said"),
    [
        ("unit_test", "fail", "actual differs:\n\n1 -> 2", "actual differs:\n\n1 -> 2"),
        ("model", "error", "Database Error\n  duplicate key\n  DETAIL: (ann)", "Database Error duplicate key"),
        ("model", "error", 'Database Error\n  invalid date: "ann"', 'Database Error invalid date: "…"'),
    ],
)
def test_only_a_unit_tests_own_rows_are_shown(kind, status, message, said):
    node = SimpleNamespace(resource_type=SimpleNamespace(value=kind), name="n")
    result = SimpleNamespace(node=node, status=status, message=message, adapter_response={}, execution_time=1.0)
    assert sandboxes._node(result).message == said


def test_drop_removes_the_sandbox_and_nothing_that_is_none(warehouse, project):
    edit(project, LIFECYCLE, "with\n", "-- Another line.\nwith\n")
    build(warehouse.url, ANNA, project)
    assert drop(warehouse.url, ANNA) is True
    assert drop(warehouse.url, ANNA) is False
    assert not ANNA.folder.exists()
    warehouse.execute("create schema sandbox_of_others")
    with pytest.raises(SandboxError, match="is no sandbox"):
        drop(warehouse.url, Sandbox.of("of others"))
    assert warehouse.rows("select to_regnamespace('sandbox_of_others')::text") == [("sandbox_of_others",)]


def test_an_analyst_needs_no_more_than_membership_in_the_builders_role(warehouse, project):
    warehouse.execute("create role anna_analyst login password 'of-anna' in role sandbox_builder")
    address = urlsplit(warehouse.url)
    url = urlunsplit(address._replace(netloc=f"anna_analyst:of-anna@{address.hostname}:{address.port}"))
    edit(project, CONSENTS, "with\n", "-- Another line.\nwith\n")
    assert "fct_consents" in {node.name for node in build(url, ANNA, project) if node.is_ok}
    assert compare(url, ANNA, "fct_consents").is_empty
    assert drop(url, ANNA) is True
    with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(url) as connection:
        connection.execute("update store.current set run_id = run_id")


def test_a_later_run_is_told_because_it_rebuilds_what_runs_share(warehouse):
    assert begun_since(warehouse.url, warehouse.night) is None
    later = open_night(warehouse.url, NIGHT, "test").run_id
    assert begun_since(warehouse.url, warehouse.night) == later
    warehouse.execute(f"delete from ops.runs where run_id = {later}")


def test_the_builder_can_write_nothing_but_its_own_and_read_no_secrets(warehouse):
    writable = warehouse.rows(
        """
        select nspname, relname from pg_class inner join pg_namespace on relnamespace = pg_namespace.oid
        where relkind in ('r', 'v', 'p') and nspname !~ '^(pg_|information_schema|sandbox_)'
            and has_table_privilege('sandbox_builder', pg_class.oid, 'insert, update, delete, truncate')
        """
    )
    schemas = warehouse.rows(
        "select nspname from pg_namespace"
        " where nspname !~ '^(pg_|sandbox_)' and has_schema_privilege('sandbox_builder', oid, 'create')"
    )
    assert (writable, schemas) == ([], [])
    with psycopg.connect(warehouse.url) as connection:
        connection.execute(f"set role {sandboxes.BUILDER}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select * from ops.access_tokens")


def test_the_builder_reads_what_lands_after_the_migration(warehouse):
    warehouse.land("new_source", "things", [("1", "2024-01-01 00:00", {})])
    with psycopg.connect(warehouse.url) as connection:
        connection.execute(f"set role {sandboxes.BUILDER}")
        assert connection.execute("select count(*) from raw_new_source.things").fetchone() == (1,)
