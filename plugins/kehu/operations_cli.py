"""`kehu alert-test`: whether an alert reaches people."""

from __future__ import annotations

import subprocess
import sys

import typer

from kehu.local.home import Home
from kehu.local.terminal import console, fail, say

app = typer.Typer(add_completion=False)


@app.command("alert-test")
def alert_test() -> None:
    """Send a trial by each alert connection that is set, and tell which took it."""
    from kehu.local.postgres import ServerError
    from kehu.local.setup import SetupError, prepare

    try:
        with console.status("preparing the databases"):
            _, environment = prepare(Home.from_environment())
    except (ServerError, SetupError) as error:
        fail(str(error))
    # Airflow's own programs read connections of its database; a task would ask the scheduler for them.
    environment |= {"_AIRFLOW_PROCESS_CONTEXT": "server"}
    done = subprocess.run(
        [sys.executable, "-m", "kehu.airflow.alerts"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False,
    )  # fmt: skip
    say(done.stdout.strip())
    raise typer.Exit(done.returncode)
