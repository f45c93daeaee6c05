"""What BI tools and analysts find in a warehouse that a whole night has published."""

from __future__ import annotations

import json

import psycopg
import pytest
import yaml
from psycopg import sql

from kehu.analyst.docs import generate
from tools.contracts import FOLDERS, KEY, PROJECT, current_shapes

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def contracts() -> dict[str, dict]:
    files = [path for folder in FOLDERS for path in (PROJECT / folder).rglob("_*__models.yml")]
    return {model["name"]: model for path in files for model in yaml.safe_load(path.read_text())["models"]}


def test_every_view_and_column_is_described_as_its_contract_says(sample, contracts):
    views = dict(
        sample.rows("select relname, obj_description(oid) from pg_class where relnamespace = 'marts'::regnamespace")
    )
    assert {name: (text or "").strip() for name, text in views.items()} == {
        name: model["description"].strip() for name, model in contracts.items()
    }
    columns = sample.rows(
        """
        select relname, attname, col_description(attrelid, attnum)
        from pg_attribute inner join pg_class on attrelid = pg_class.oid
        where relnamespace = 'marts'::regnamespace and attnum > 0 and not attisdropped
        """
    )
    assert {(mart, column): (text or "").strip() for mart, column, text in columns} == {
        (name, column["name"]): column["description"].strip()
        for name, model in contracts.items()
        for column in model["columns"]
    }


def test_keys_and_relations_are_told_and_hold_in_the_views(sample):
    keys: dict[str, list[str]] = {}
    for mart, column in sample.rows("select mart, column_name from ops.published_keys order by mart, position"):
        keys.setdefault(mart, []).append(column)
    assert {mart: ", ".join(columns) for mart, columns in keys.items()} == {
        mart: columns[KEY] for mart, columns in current_shapes().items()
    }
    for mart, columns in keys.items():
        key = ", ".join(columns)
        assert sample.rows(f"select {key} from marts.{mart} group by {key} having count(*) > 1 limit 1") == [], mart
    relations = sample.rows("select * from ops.published_relations")
    assert ("fct_orders", "customer_id", "dim_customers", "customer_id") in relations
    for mart, column, to_mart, to_column in relations:
        orphans = f"""
            select count(*) from marts.{mart} as child
            where {column} is not null and not exists (select 1 from marts.{to_mart} where {to_column} = child.{column})
        """
        assert sample.rows(orphans) == [(0,)], (mart, column)


def test_bi_readers_read_published_views_and_nothing_else(sample):
    readable = sample.rows(
        """
        select nspname || '.' || relname, relkind
        from pg_class inner join pg_namespace on relnamespace = pg_namespace.oid
        where nspname not in ('pg_catalog', 'information_schema')
            and has_schema_privilege('bi_reader', pg_namespace.oid, 'usage')
            and has_any_column_privilege('bi_reader', pg_class.oid, 'select, insert, update, references')
        """
    )
    assert {name for name, _ in readable if not name.startswith("ops.published_")} == {
        *(f"marts.{mart}" for mart in current_shapes()),
        "ops.gate_nights",
        "ops.run_stages",
    }
    assert {kind for _, kind in readable} == {"v"}
    creatable = "select nspname from pg_namespace where has_schema_privilege('bi_reader', oid, 'create')"
    assert sample.rows(creatable) == []


VALUES = """
select array_agg(distinct value) from pii.dim_customers
cross join lateral unnest(array[mail, phone, street, case when full_name ~ '\\S\\s+\\S' then full_name end]) as value
"""


def test_no_view_of_bi_readers_shows_anybodys_mail_phone_street_or_name(sample):
    """In no cell of text, whatever its column is called."""
    ((values,),) = sample.rows(VALUES)
    assert len(values) > 1000
    columns = sample.rows("""
        select relname, attname from pg_attribute inner join pg_class on attrelid = pg_class.oid
        where relnamespace = 'marts'::regnamespace and attnum > 0 and atttypid = 'text'::regtype
    """)
    shown = []
    with psycopg.connect(sample.url) as connection:
        connection.execute("create temporary table people as select unnest(%s::text[]) as value", [values])
        connection.execute("analyze people")
        for mart, column in columns:
            query = sql.SQL(
                "select count(*) from {mart} where {column} in (select value from people)"
                " or {column} ~ '[[:alnum:]._+-]+@[[:alnum:]-]+[.][[:alpha:]]'"
            ).format(mart=sql.Identifier("marts", mart), column=sql.Identifier(column))
            if connection.execute(query).fetchone() != (0,):
                shown.append(f"{mart}.{column}")
    assert shown == []


def test_a_sandbox_of_the_published_models_has_nothing_to_build(sample):
    done = sample.kehu("sandbox", "--name", "nobody")
    assert (done.returncode, "nothing has changed since the published night 2011-12-09" in done.stdout) == (1, True)


def test_the_docs_describe_the_views_and_their_readers(sample):
    folder = generate(sample.url)
    manifest, catalog = (json.loads((folder / f"{name}.json").read_text()) for name in ("manifest", "catalog"))
    assert "<html" in (folder / "index.html").read_text()
    found = catalog["nodes"]["model.kehu.dim_customers"]
    assert found["metadata"]["schema"] == "marts"
    assert found["columns"]["mail"]["comment"] == "Mail address, normalised."
    assert "exposure.kehu.crm_screen" in manifest["exposures"]
