"""Nights of the identity job on a warehouse of synthetic records: all records, then 1 % new ones, then all anew.

Measured in the job's process and in the server's; what comes before (values, normalising, dbt) is no part of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import psutil
import psycopg
import pyarrow as pa

from bench.__main__ import say
from bench.identity_hard import hard_set
from bench.identity_metrics import score_clusters
from bench.identity_run import cpu_seconds, peak_mb
from bench.identity_sets import LabelledSet
from kehu.local.environment import Databases, with_database
from kehu.local.home import Home
from kehu.local.postgres import Server, remove_server
from kehu.warehouse.migrate import migrate
from kehu.warehouse.runs import Night
from kehu.warehouse.tables import connect, read_frame
from ml.identity.workspace import LISTS, TEXTS

SHARE_NEW = 0.01
FIRST, SECOND = Night(1, date(2024, 3, 4)), Night(2, date(2024, 3, 5))
GRAPH = """
    select
        (select cast(sum(hashtextextended(cast(a as text), 0)) as text) from (
            select record_key, customer_id from identity.assignments where valid_to is null
        ) as a) as assignments,
        (select cast(sum(hashtextextended(cast(l as text), 0)) as text) from (
            select left_key, right_key, rule, is_same_customer from identity.links
        ) as l) as links
"""


def measure_nights(count_records: int) -> dict:
    """Costs of a first night, of one with 1 % new records, and of linking that one anew; scores of its customers.

    Raises
    ------
    RuntimeError
        If the second night linked everything anew instead of what is new.
    """
    labelled = hard_set(count_records + round(count_records * SHARE_NEW))
    with warehouse() as (url, server):
        fill(url, labelled.records.slice(0, count_records))
        first = _told("first night", measure(url, server, FIRST))
        fill(url, labelled.records, count_records)
        second = _told("second night", measure(url, server, SECOND))
        if second["is_full"]:
            raise RuntimeError("the second night linked everything anew")
        scores, kept = _scores(url, labelled), _graph(url)
        anew = _told("second night linked anew", measure(url, server, SECOND, all_anew=True))
        return {
            "records": count_records,
            "new_records": labelled.records.num_rows - count_records,
            "first_night": first,
            "second_night": second,
            "second_night_linked_anew": anew,
            "second_of_first": _shares(second, first),
            "second_of_linked_anew": _shares(second, anew),
            "same_as_linked_anew": kept == _graph(url),
            "scores": scores,
        }


@contextmanager
def warehouse() -> Iterator[tuple[str, Server]]:
    """The URL of a migrated warehouse on an embedded server of its own, removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KEHU_HOME"] = f"{folder}/home"
        home = Home.from_environment().create()
        try:
            databases = Databases.ensure(home)
            if databases.server is None:
                raise RuntimeError("measured on a server of its own: unset KEHU_WAREHOUSE_URL")
            with psycopg.connect(with_database(databases.warehouse, "postgres"), autocommit=True) as connection:
                connection.execute("create database warehouse")
            migrate(databases.warehouse)
            yield databases.warehouse, databases.server
        finally:
            remove_server(home)


def fill(url: str, records: pa.Table, known: int | None = None) -> None:
    """Make `intermediate.int_identity_records` of these records, as dbt leaves it: indexed and analysed.

    All but the first `known` ones became known on the second day.
    """
    days = [FIRST.as_of_date] * (known or records.num_rows)
    days += [SECOND.as_of_date] * (records.num_rows - len(days))
    records = records.append_column("known_on", pa.array(days, pa.date32()))
    texts = [name for name in TEXTS if name not in ("identifier", "birth_date")]
    values = [name if name in records.column_names else f"cast(null as text) as {name}" for name in texts]
    values += [name if name in records.column_names else f"cast('{{}}' as text[]) as {name}" for name in LISTS]
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest("arrived", records, mode="create", temporary=True)
        cursor.execute("drop table if exists intermediate.int_identity_records")
        cursor.execute(
            f"""
            create table intermediate.int_identity_records as
            select
                'person' as kind, record_key, cast(known_on as timestamp) at time zone 'UTC' as known_at,
                birth_date, {", ".join(values)},
                md5(cast(arrived as text)) as content_hash
            from pg_temp.arrived
            """
        )
        cursor.execute("create unique index on intermediate.int_identity_records (kind, record_key)")
        cursor.execute("analyze intermediate.int_identity_records")


def measure(url: str, server: Server, night: Night, *, all_anew: bool = False) -> dict:
    """Run one night of the job in a process of its own; seconds, CPU seconds of both sides, its peak memory (MB)."""
    with psycopg.connect(url, autocommit=True) as connection:
        # A day lies between two nights: the server has seen to what was written before, and no night pays for it.
        connection.execute("vacuum")
        connection.execute("checkpoint")
    before = _server_cpu(server)
    own = _run_job(url, night, all_anew)
    on_server = _server_cpu(server) - before
    query = f"select is_full from identity.nights where kind = 'person' and as_of_date = date '{night.as_of_date}'"
    (is_full,) = read_frame(url, query)["is_full"]
    return {
        "seconds": round(own["seconds"], 1),
        "cpu_seconds": round(own["cpu_seconds"] + on_server, 1),
        "own_cpu_seconds": round(own["cpu_seconds"], 1),
        "server_cpu_seconds": round(on_server, 1),
        "peak_mb": own["peak_mb"],
        "is_full": bool(is_full),
    }


def _run_job(url: str, night: Night, all_anew: bool) -> dict:
    command = [sys.executable, "-m", "bench.identity_nights", str(night.run_id), str(night.as_of_date)]
    command += ["anew"] if all_anew else []
    environment = os.environ | {"KEHU_WAREHOUSE_URL": url}  # not an argument: it holds a password
    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise RuntimeError(made.stderr[-3000:])
    return json.loads(made.stdout.splitlines()[-1])


def _told(name: str, figures: dict) -> dict:
    """The figures, after one line of the table for people."""
    spent = f"{figures['cpu_seconds']:,} CPU s (PostgreSQL's: {figures['server_cpu_seconds']:,})"
    say(f"{name:<34}  {spent}, {figures['seconds']:,} s, {figures['peak_mb']:,} MB")
    return figures


def _server_cpu(server: Server) -> float:
    """CPU seconds so far of all the server's processes, those that have ended too."""
    pid = int((Path(server.data_dir) / "postmaster.pid").read_text().split()[0])
    postmaster = psutil.Process(pid)
    total = sum(postmaster.cpu_times()[:4])
    for backend in postmaster.children(recursive=True):
        try:
            total += sum(backend.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return total


def _scores(url: str, labelled: LabelledSet) -> dict:
    frame = read_frame(url, "select record_key, customer_id from identity.assignments where valid_to is null")
    customer = frame.set_index("record_key")["customer_id"].loc[labelled.records["record_key"].to_pandas()]
    return score_clusters(labelled.truth, customer.to_numpy())


def _graph(url: str) -> dict:
    """Sums that change with any assignment or link."""
    return read_frame(url, GRAPH).iloc[0].to_dict()


def _shares(part: dict, whole: dict) -> dict:
    return {name: round(part[name] / whole[name], 3) for name in ("seconds", "cpu_seconds")}


def main() -> None:
    """Run the job for one night and print its figures; what it imports counts, for a night pays for that too."""
    run_id, day, *rest = sys.argv[1:]
    began, spent = time.perf_counter(), cpu_seconds()
    from ml.identity.job import identify

    identify(os.environ["KEHU_WAREHOUSE_URL"], Night(int(run_id), date.fromisoformat(day)), is_full=bool(rest))
    seconds, cpu = time.perf_counter() - began, cpu_seconds() - spent
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
