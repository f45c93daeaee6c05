"""The runbook's steps through the real DAG: each does what the text says, with the commands that it names."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import typer
import yaml

from deploy.make_secrets import make
from kehu.cli import app
from kehu.local.home import Home
from kehu.local.postgres import ensure_server
from kehu.paths import PROJECT
from tests import runbook
from tests.fakes.post import Webhook, serving
from tests.integration.conftest import Installation
from tests.shops import SmallShop

pytestmark = pytest.mark.timeout(900)
PLAYED = yaml.safe_load((Path(__file__).parent / "runbook.yml").read_text())


class World(Installation):
    """A shop whose newest file has not come, and a source that it can do without, whose folder is missing."""

    def __init__(self, folder: Path) -> None:
        self.shop = SmallShop(folder / "shop").write()
        super().__init__(Home(folder / "home").create(), self.shop.sources)
        self.exports = folder / "exports"
        content = yaml.safe_load(self.sources.read_text())
        entities = {"refunds": {"format": "csv", "pattern": "refunds_{date}.csv"}}
        content["sources"]["exports"] = {"kind": "files", "location": str(self.exports), "entities": entities}
        self.sources.write_text(yaml.safe_dump(content))
        self.yesterday, self.today = self.shop.last_day - timedelta(days=1), self.shop.last_day

    def mend_exports(self) -> None:
        self.exports.mkdir()
        (self.exports / f"refunds_{self.today}.csv").write_text("id,why\n1,late\n")

    def ask(self, typed_in: str, *words: str, given: str | None = None) -> str:
        """What psql answers where the runbook says to type."""
        raw = ["--raw"] if typed_in == "raw" else []
        done = subprocess.run(
            [sys.executable, "-m", "kehu.cli", "psql", *raw, "-v", "ON_ERROR_STOP=1", *words],
            env=self.environment, cwd=PROJECT, input=given, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def shell(self, command: str) -> str:
        """What a command of the runbook says, through make and the shell as it is typed."""
        (line,) = made(command)
        return subprocess.run(
            line, shell=True, env=self.environment, cwd=PROJECT, capture_output=True, text=True, check=True
        ).stdout

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "KEHU_HOME": str(self.home.root), "KEHU_SOURCES": str(self.sources)}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Its first night is published."""
    world = World(tmp_path_factory.mktemp("runbook"))
    try:
        world.night(world.yesterday)
        yield world
    finally:
        world.remove()


def made(command: str) -> list[str]:
    """The lines of `kehu` that make would run for a command."""
    words = ["make", "--dry-run", "--no-print-directory", f"PY={sys.executable}", *shlex.split(command)[1:]]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if "-m kehu.cli" in line]


@pytest.mark.parametrize("command", runbook.commands())
def test_each_command_is_one_that_there_is(command):
    (line,) = made(command)
    words = list(shlex.shlex(line, posix=True, punctuation_chars=True))
    words = words[words.index("kehu.cli") + 1 :]
    end = words.index(";") if ";" in words else None  # where the recipe is more than the command
    understood(typer.main.get_command(app), words[:end])


def understood(command, words: list[str], parent=None) -> None:
    """Parse the words as the command does, down to the last subcommand, without doing it."""
    context = command.make_context(command.name or "kehu", list(words), parent=parent)
    if hasattr(command, "resolve_command"):
        _, inner, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        understood(inner, rest, context)


def test_each_step_and_line_is_played_or_says_why_not():
    told = {**runbook.steps(), **runbook.lines()}
    assert list(PLAYED) == list(told)
    for what, how in PLAYED.items():
        assert set(how) <= {"played", "by_hand"}, what
        assert any(how.values()), what
        for test in how.get("played", []):
            path, _, name = test.partition("::")
            tree = ast.parse((PROJECT / "tests" / path).read_text())
            assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, test


def test_each_statement_runs_where_it_says(world):
    told = runbook.statements()
    assert [one for one in told if one.typed_in is None] == []
    for where in ("psql", "raw"):
        texts = [one.text.replace("<blocker>", "null") for one in told if one.typed_in == where]
        assert len(texts) >= 3
        answers = re.findall(r"^\(\d+ rows?\)$", world.ask(where, given="\n".join(texts)), re.MULTILINE)
        assert len(answers) == len(texts)
    usual = (PROJECT / "docs/alerts.md").read_text().split("## Run statistics")[1].split("```")[1]
    assert "publish" in world.ask("psql", given=usual)


def test_a_stale_source_is_named_and_a_failed_night_mended(world, tmp_path, monkeypatch):
    before = world.fingerprint()
    stale = runbook.statement("select source, entity, latest_date")
    assert "exports | refunds" in " ".join(world.ask(stale.typed_in, "-c", stale.text).split())
    hook = Webhook([(500, "")])  # whatever becomes of an alert, the night goes its way
    monkeypatch.setenv("AIRFLOW_CONN_ALERT_SLACK", json.dumps({"conn_type": "generic", "password": hook.url}))
    with serving(hook):
        fails_with_one_line(world)
        assert world.fingerprint() == before
        world.mend_exports()
        mended_with_one_bad_row(world)
    assert world.fingerprint() != before
    assert "(0 rows)" in world.ask(stale.typed_in, "-c", stale.text)
    # Three tasks failed, and each alert was tried three times; the night that ended well sent none.
    texts = [body["text"] for body in hook.bodies]
    assert len(texts) == 9
    exports, shop, required = sorted(set(texts))
    title = f"failed in the night of {world.today}\nReason:"
    assert exports.startswith(f"Kehu: ingest.ingest_exports {title} exports: location: the folder does not exist")
    assert shop.startswith(f"Kehu: ingest.ingest_shop {title} shop: order_lines_{world.today}")
    assert "the header changed" in shop
    assert "Tries: 1." in shop  # no try more for what stays as it is
    assert required.startswith(f"Kehu: require_sources {title} shop: required source: order_lines_{world.today}")

    # One command shows the night before again, and there is none before that.
    assert world.kehu("rollback").returncode == 0
    assert world.fingerprint() == before
    assert in_a_container(world, tmp_path) == "no earlier published run is kept\n"


def in_a_container(world: World, folder: Path) -> str:
    """What the runbook's line for compose says, less the container."""
    lines = runbook.RUNBOOK.read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("docker compose exec scheduler python"))
    make(folder / "secrets")
    (folder / "secrets" / "warehouse_password").write_text(world.home.secrets()["postgres_password"])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KEHU")} | {
        "KEHU_SECRETS": str(folder / "secrets"),
        "KEHU_WAREHOUSE_ADDRESS": f"kehu@127.0.0.1:{ensure_server(world.home).port}/warehouse",
        "KEHU_DATABASE_SSLMODE": "prefer",
        "KEHU_HOME": str(folder),
        "AIRFLOW_HOME": str(folder),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    words = shlex.split(line)[4:]
    return subprocess.run(words, env=environment, cwd=PROJECT, capture_output=True, text=True, check=False).stdout


def fails_with_one_line(world: World) -> None:
    """A broken file stops the night; the first step tells why."""
    shop = world.shop
    shop.replace_bytes(world.today, shop.plain(world.today).replace(b"UnitPrice", b"Price", 1))
    done = world.kehu("run", "--as-of", str(world.today))
    assert done.returncode == 1
    wanted = f"shop: order_lines_{world.today}.csv.gz, row 0: the header changed: missing UnitPrice; 1 unknown"
    assert wanted in " ".join(done.stdout.split())
    assert "The published marts are as they were" in done.stdout
    (what_failed,) = (command for command in runbook.commands() if command.startswith("make raw ARGS="))
    answer = world.shell(what_failed)
    assert "ingest_shop" in answer
    assert wanted in answer


def mended_with_one_bad_row(world: World) -> None:
    """The night runs again and is published, although a reader stands in its way; the row waits in quarantine."""
    world.shop.rows[world.today][0][5] = "-4.00"
    world.shop.write_day(world.today)
    with reader_in_the_way(world) as reader:
        night = subprocess.Popen(
            [sys.executable, "-m", "kehu.cli", "run", "--as-of", str(world.today)],
            env=world.environment | {"COLUMNS": "160"}, cwd=PROJECT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            the_reader_is_found_and_ended(world, reader)
            output, _ = night.communicate(timeout=120)
        finally:
            night.kill()
    assert night.returncode == 0, output
    quarantined = f"quarantined: shop: order_lines_{world.today}.csv.gz, row 1: UnitPrice is negative"
    assert quarantined in output
    assert quarantined.removeprefix("quarantined: ") in world.kehu("replay").stdout
    assert dict(world.rows("select model, method from marts.fct_model_fits"))["churn"] == "purchase_process"
    (right,) = (command for command in runbook.commands() if command.startswith("make psql ARGS="))
    assert str(world.today) in world.shell(right)


@contextmanager
def reader_in_the_way(world: World) -> Iterator[psycopg.Connection]:
    """A BI tool that began a transaction and forgot it."""
    server = ensure_server(world.home)
    login = {"user": "bi_reader", "passfile": str(world.home.root / "pgpass")}
    with psycopg.connect(host="127.0.0.1", port=server.port, dbname="warehouse", **login) as reader:
        reader.execute("set idle_in_transaction_session_timeout = 0")
        reader.execute("select count(*) from marts.dim_customers")
        try:
            yield reader
        finally:
            reader.close()


def the_reader_is_found_and_ended(world: World, reader: psycopg.Connection) -> None:
    """The steps of `deadline_missed`: which stage runs, what it waits for, whom to end."""
    waits = runbook.statement("select waiting.pid")
    deadline = time.monotonic() + 240
    with psycopg.connect(world.url, autocommit=True) as connection:
        while True:
            found = connection.execute(waits.text).fetchall()
            if reader.info.backend_pid in {row[2] for row in found}:
                break
            assert time.monotonic() < deadline, "the night did not wait for the reader"
            time.sleep(0.05)
    stage = runbook.statement("select stage, state, tries, started_at")
    assert "publish | running" in " ".join(world.ask(stage.typed_in, "-c", stage.text).split())
    assert "another night is running" in world.kehu("run").stdout
    end = runbook.statement("select pg_terminate_backend")
    world.ask(end.typed_in, "-c", end.text.replace("<blocker>", str(reader.info.backend_pid)))
    with pytest.raises(psycopg.OperationalError):
        reader.execute("select 1")
