"""A small published night, and a copy of the dbt project that an analyst changes."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import psycopg

from kehu.airflow.dbt import target_folder
from kehu.paths import DBT_PROJECT
from kehu.warehouse.manifests import keep
from kehu.warehouse.publish import attach, publish
from kehu.warehouse.runs import Night
from tests.dbt_project.warehouse import Warehouse, line

NIGHT = date(2024, 12, 31)
ORDERS = {"1": ("a", "2024-01-10"), "2": ("a", "2024-12-01"), "3": ("b", "2024-12-31"), "4": ("c", "2024-06-01")}


def published_warehouse(server_url: str, *models: str) -> Warehouse:
    """Three customers of the shop, some models built for them, and the night published."""
    made = Warehouse(server_url)
    for number, (account, day) in ORDERS.items():
        made.land_columns("shop", "order_lines", [line(number, account, f"{day} 10:00:00")], date.fromisoformat(day))
    keys = ", ".join(
        f"('person', 'shop.orders:{number}', '{account}', date '2024-01-01')" for number, (account, _) in ORDERS.items()
    )
    made.execute(f"insert into identity.assignments (kind, record_key, customer_id, valid_from) values {keys}")
    made.build_nodes(*models, day=NIGHT, leaves_manifest=True)
    ((run_id,),) = made.rows("select max(run_id) from ops.runs")
    made.night = Night(run_id, NIGHT)
    keep(made.url, made.night, target_folder() / "manifest.json")
    attach(made.url, made.night)
    publish(made.url, made.night)
    return made


def copy_of_project(folder: Path) -> Path:
    project = folder / "dbt_project"
    restore(project)
    return project


def restore(project: Path) -> None:
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))


def edit(project: Path, file: str, old: str, new: str) -> None:
    path = project / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def relations(url: str) -> list[tuple]:
    """Every relation outside of sandboxes, with the file its rows lie in and its comment."""
    query = """
        select nspname, relname, relfilenode, obj_description(pg_class.oid, 'pg_class')
        from pg_class inner join pg_namespace on relnamespace = pg_namespace.oid
        where nspname not like 'sandbox%%' and nspname not like 'pg\\_%%' order by 1, 2
    """
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()
