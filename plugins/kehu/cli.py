"""The `kehu` command: what `make` calls, for one machine without containers."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import datetime
from typing import Annotated

import typer

from kehu.analyst_cli import app as analyst
from kehu.identity_cli import app as identity
from kehu.lists_cli import app as lists
from kehu.local.home import Home
from kehu.local.terminal import console, fail, in_one_line, installation, say, warehouse
from kehu.models_cli import app as models
from kehu.operations_cli import app as operations
from kehu.paths import reports_folder
from kehu.privacy_cli import app as privacy
from kehu.quality_cli import app as quality

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(identity, name="identity")
app.add_typer(analyst)
app.add_typer(lists)
app.add_typer(quality)
app.add_typer(operations)
app.add_typer(models)
app.add_typer(privacy)
NOTHING_YET = "there is nothing to read yet"
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


@app.command()
def run(as_of: Day = None, first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"])] = None,
        last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"])] = None) -> None:  # fmt: skip
    """Run the night of one day (by default the newest the sources tell of), or a range of nights."""
    from kehu.local.night import NightError, backfill, one_at_a_time, run_night
    from kehu.local.postgres import ServerError
    from kehu.local.services import ServiceError
    from kehu.local.setup import SetupError, prepare
    from kehu.sources.config import ConfigError, load, sources_file
    from kehu.sources.contract import SourceError
    from kehu.sources.kinds import check
    from kehu.sources.nights import newest_night

    if (first is None) != (last is None) or (first and last and (as_of or first > last)):
        fail("give --as-of alone, or --from and --to together, the earlier day first")
    home = Home.from_environment()
    try:
        sources = load()
        for source in sources:
            check(source)
        newest = as_of or last
        if newest and sources.last_night and newest.date() > sources.last_night:
            fail(f"{newest.date()} is after the last_night of {sources_file().name}, {sources.last_night}")
        with console.status("preparing the databases"):
            databases, environment = prepare(home)
        with one_at_a_time(databases.warehouse):
            if first and last:
                run_id = backfill(home, databases, environment, first.date(), last.date(), console)
            else:
                day = as_of.date() if as_of else newest_night(sources)
                run_id = run_night(home, databases, environment, day, console)
    except (ConfigError, NightError, ServerError, ServiceError, SetupError, SourceError) as error:
        fail(str(error))
    _next_steps(databases.warehouse, run_id)


@app.command()
def retrain() -> None:
    """Train all models anew on the newest published night, and tell which ones are promoted or rejected, and why."""
    from kehu.local.night import NightError, one_at_a_time
    from kehu.local.postgres import ServerError
    from kehu.local.retrain import RetrainError
    from kehu.local.retrain import retrain as run_dag
    from kehu.local.setup import SetupError, prepare
    from kehu.warehouse.runs import published_night

    home = Home.from_environment()
    try:
        with console.status("preparing the databases"):
            databases, environment = prepare(home)
        night = published_night(databases.warehouse)
        if night is None:
            fail("there is nothing to learn from yet: `make run` first")
        with one_at_a_time(databases.warehouse), console.status("training, and comparing with the champions"):
            told = run_dag(databases.warehouse, home, environment, night.as_of_date)
    except (NightError, RetrainError, ServerError, SetupError) as error:
        fail(str(error))
    for line in told.lines:
        say(line)
    if not told.is_complete:
        fail("not all models could be trained and compared; the champions go on scoring")


@app.command()
def ui() -> None:
    """Start Airflow's UI and scheduler on 127.0.0.1 and print the address and the generated password."""
    from kehu.local.postgres import ServerError
    from kehu.local.services import ServiceError, start_services
    from kehu.local.setup import SetupError, prepare

    home = Home.from_environment()
    try:
        with console.status("starting Airflow (a minute at most)"):
            _, environment = prepare(home)
            services = start_services(home, environment)
    except (ServerError, ServiceError, SetupError) as error:
        fail(str(error))
    console.print(
        f"Airflow  {services.url}\nuser     admin\npassword {services.password}", highlight=False, markup=False
    )
    console.print("The DAG is switched off until you switch it on. `make stop` ends all of it.", highlight=False)


@app.command()
def stop() -> None:
    """Stop Airflow's processes and the embedded server."""
    from kehu.local.postgres import stop_server
    from kehu.local.services import stop_services

    home = Home.from_environment()
    stopped = stop_services(home) if home.root.exists() else []
    stopped += ["postgresql"] if home.root.exists() and stop_server(home) else []
    console.print(f"stopped: {', '.join(stopped) or 'nothing was running'}")


@app.command()
def clean() -> None:
    """Stop everything and delete the installation's data, logs and reports."""
    from kehu.local.postgres import remove_server

    stop()
    home = Home.from_environment()
    if home.root.exists():
        remove_server(home)
        shutil.rmtree(home.root)
    console.print(f"removed {home.root}")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context, raw: Annotated[bool, typer.Option("--raw")] = False) -> None:
    """Open psql on the marts with a BI tool's rights, or with --raw on everything, read-only; the rest goes to psql."""
    from kehu.local.postgres import SUPERUSER, ensure_server

    if os.environ.get("KEHU_WAREHOUSE_URL"):
        fail("KEHU_WAREHOUSE_URL names a server of your own: connect to it as it asks")
    home = installation(NOTHING_YET)
    server = ensure_server(home)
    environment = {**os.environ, "PGPASSFILE": str(home.root / "pgpass"), "LD_LIBRARY_PATH": f"{server.bin_dir}/../lib"}
    user = "bi_reader"
    if raw:
        user = SUPERUSER
        read_only = "-c default_transaction_read_only=on"
        environment |= {"PGPASSWORD": home.secrets()["postgres_password"], "PGOPTIONS": read_only}
    command = [f"{server.bin_dir}/psql", "-h", "127.0.0.1", "-p", str(server.port), "-U", user, "warehouse"]
    raise typer.Exit(subprocess.run([*command, *context.args], env=environment, check=False).returncode)


@app.command()
def fingerprint() -> None:
    """Print one hash per published mart, over its ordered rows: equal hashes, equal marts."""
    from kehu.warehouse.fingerprint import fingerprint as hashes

    for name, digest in hashes(warehouse(NOTHING_YET)).items():
        console.print(f"{digest}  {name}", highlight=False)


@app.command()
def rollback() -> None:
    """Show readers the night that was published before the current one."""
    from kehu.warehouse.publish import previous_night, publish
    from kehu.warehouse.roles import Role, as_role

    url = as_role(warehouse(NOTHING_YET), Role.PUBLISHER)
    night = previous_night(url)
    if night is None:
        fail("no earlier published run is kept")
    publish(url, night)
    console.print(f"published: the night of {night.as_of_date} (run {night.run_id})")


def _next_steps(url: str, run_id: int) -> None:
    from kehu.paths import data_docs_folder
    from kehu.report.render import report_path
    from kehu.warehouse.runs import night_of

    night = night_of(url, run_id)
    console.print("marts   make psql      (then: select * from marts.rpt_customer_360 limit 5;)", highlight=False)
    say(f"report  {report_path(reports_folder(), night)}")
    say(f"checks  {data_docs_folder() / 'index.html'}")
    console.print("Airflow make ui        (make stop ends everything)", highlight=False)


def main() -> None:
    """Entry point."""
    in_one_line(app)


if __name__ == "__main__":
    main()
