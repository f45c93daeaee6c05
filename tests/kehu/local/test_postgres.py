"""The embedded server after something else than its own stop ended it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import psutil
import psycopg
import pytest

from kehu.local.home import Home
from kehu.local.postgres import Server, ensure_server, remove_server, stop_server


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "home")
    home.root.mkdir()
    yield home
    remove_server(home)


def pid_file(server: Server) -> Path:
    return Path(server.data_dir) / "postmaster.pid"


def kill(server: Server) -> None:
    """As a machine that loses its power: the server and its children end, and its process id stays on disk."""
    postmaster = psutil.Process(int(pid_file(server).read_text().split()[0]))
    family = [postmaster, *postmaster.children(recursive=True)]
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=20)
    assert pid_file(server).exists()


def test_a_killed_server_is_not_running_and_starts_again(home):
    server = ensure_server(home)
    kill(server)
    assert stop_server(home) is False

    again = ensure_server(home)
    with psycopg.connect(again.dsn(home.secrets()["postgres_password"], "postgres")) as connection:
        assert connection.execute("show data_directory").fetchone() == (server.data_dir,)
    assert stop_server(home) is True
    assert stop_server(home) is False


@pytest.mark.parametrize("content", [str(os.getpid()), "", "no number"], ids=["another", "empty", "garbled"])
def test_a_process_that_has_the_id_of_a_killed_server_is_left_alone(home, tmp_path, content):
    data = tmp_path / "server" / "pgdata"
    data.mkdir(parents=True)
    server = Server(str(tmp_path / "no-binaries"), str(data), 1)
    (home.root / "postgres.json").write_text(json.dumps(vars(server)))
    pid_file(server).write_text(content)

    assert stop_server(home) is False
    remove_server(home)
    assert not data.exists()
