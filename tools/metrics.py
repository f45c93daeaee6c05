"""Ask the metrics: `make metrics ARGS="query --metrics revenue --group-by metric_time__month"`; read-only.

`list` tells what metrics there are, `dimensions` what they can be split by. `write` and `check` are for whoever edits a
metric.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import psycopg
from metricflow_semantics.errors.error_classes import MetricFlowException
from rich.console import Console
from rich.table import Column, Table

from tools import kpi_report
from tools.semantic_layer import DefinitionError, engine, meta_of, problems, read_definitions, scale_of, sql_of

READ_ONLY = "-c role=bi_reader -c default_transaction_read_only=on -c statement_timeout=15min"
console = Console(highlight=False)


class NothingToReadError(RuntimeError):
    """No night has run here."""


def main(arguments: list[str] | None = None) -> int:
    """Answer, or say in one line why not."""
    wanted = _parser().parse_args(arguments)
    try:
        return int(wanted.command(wanted) or 0)
    except (MetricFlowException, DefinitionError, NothingToReadError, psycopg.Error) as error:
        print(str(error).strip(), file=sys.stderr)
        return 1


def list_metrics(_: argparse.Namespace) -> None:
    """Print each metric with its unit and meaning."""
    table = Table("metric", "area", "what it is", show_edge=False)
    for metric in sorted(read_definitions().metrics, key=lambda metric: (meta_of(metric)["group"], metric.name)):
        table.add_row(metric.name, meta_of(metric)["group"], metric.description)
    console.print(table)


def list_dimensions(wanted: argparse.Namespace) -> None:
    """Print what all of the metrics can be split by."""
    found = engine(read_definitions()).simple_dimensions_for_metrics(wanted.metrics)
    table = Table("dimension", "what it is", show_edge=False)
    for dimension in sorted(found, key=lambda dimension: dimension.dunder_name):
        table.add_row(dimension.dunder_name, dimension.label or "time, __day to __year")
    console.print(table)


def query(wanted: argparse.Namespace) -> None:
    """Ask the published marts, and print or write the answer."""
    question = {
        "metric_names": wanted.metrics,
        "group_by_names": wanted.group_by,
        "where_constraints": wanted.where,
        "order_by_names": wanted.order or [name for name in wanted.group_by if name.startswith("metric_time")],
        "limit": wanted.limit,
        "time_constraint_start": wanted.start,
        "time_constraint_end": wanted.end,
    }
    url = _warehouse()
    definitions = read_definitions(database=urlsplit(url).path.lstrip("/"))
    sql = sql_of(definitions, **question)
    if wanted.explain:
        print(sql)
        return
    names, rows = ask(url, sql)
    scales = {metric.name: scale_of(metric) for metric in definitions.metrics}
    told = [row for row in rows if any(value is not None for value in row[len(wanted.group_by) :])]
    rows = [[_plain(value, scales.get(name, 0)) for name, value in zip(names, row, strict=True)] for row in told]
    if wanted.csv:
        writer = csv.writer(sys.stdout)
        writer.writerows([names, *rows])
        return
    table = Table(*(Column(name, overflow="fold") for name in names), show_edge=False)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    console.print(table)


def write(_: argparse.Namespace) -> None:
    """Write `rpt_kpis_daily` anew."""
    for path, text in kpi_report.report_files(kpi_report.read_for_report()).items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.name}")


def check(_: argparse.Namespace) -> int:
    """Validate the definitions offline, and hold `rpt_kpis_daily` against them."""
    definitions = kpi_report.read_for_report()
    found = problems(definitions)
    stale = [] if found else kpi_report.stale_files(definitions)
    found += [f"{name} is not what the metrics say: `make metrics ARGS=write`" for name in stale]
    for line in found:
        print(line)
    return 1 if found else 0


def ask(url: str, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows, with the rights of a BI tool; prepared, so that it is one statement."""
    with psycopg.connect(url, options=READ_ONLY) as connection:
        cursor = connection.execute(sql, prepare=True)
        names = [column.name for column in cursor.description or []]
        return names, cursor.fetchall()


def _plain(value: Any, scale: int) -> Any:
    """A day as a day, for MetricFlow truncates dates to points in time; a number with the digits of its type."""
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        return value.date()
    return round(Decimal(str(value)), scale) if isinstance(value, (float, Decimal)) else value


def _warehouse() -> str:
    from kehu.local.environment import Databases
    from kehu.local.home import Home

    home = Home.from_environment()
    if not os.environ.get("KEHU_WAREHOUSE_URL") and not (home.root / "pgpass").exists():
        raise NothingToReadError("there is nothing to read yet: `make run` first")
    return Databases.ensure(home).warehouse


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _day(text: str) -> datetime:
    day = date.fromisoformat(text)
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc).replace(tzinfo=None)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make metrics", description="Ask the metrics of the published marts.")
    commands = parser.add_subparsers(required=True)
    for name, command in (("list", list_metrics), ("write", write), ("check", check)):
        commands.add_parser(name, help=command.__doc__).set_defaults(command=command)
    dimensions = commands.add_parser("dimensions", help=list_dimensions.__doc__)
    asks = commands.add_parser("query", help=query.__doc__)
    for each, command in ((dimensions, list_dimensions), (asks, query)):
        each.add_argument("--metrics", type=_names, required=True, help="names, comma between")
        each.set_defaults(command=command)
    asks.add_argument("--group-by", type=_names, default=[], help="metric_time__month, customer__country, …")
    asks.add_argument(
        "--where", action="append", help="a condition, as {{ Dimension('customer__country') }} = 'France'"
    )
    asks.add_argument("--order", type=_names, help="--order=-revenue: names to sort by, - for descending")
    asks.add_argument("--limit", type=int, help="rows at most")
    asks.add_argument("--start", type=_day, help="first day, YYYY-MM-DD")
    asks.add_argument("--end", type=_day, help="last day, YYYY-MM-DD")
    asks.add_argument("--csv", action="store_true", help="print CSV")
    asks.add_argument("--explain", action="store_true", help="print the SQL instead of asking")
    return parser


if __name__ == "__main__":
    sys.exit(main())
