"""Whatever a command is refused, it says so in one line, with an exit code that is not 0."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from kehu.local.home import Home
from kehu.local.postgres import remove_server

NO_NIGHT = "`make run` first"


def kehu(home: Path, *arguments: str, **environment: str) -> tuple[int, list[str]]:
    """The exit code of a command, and what it said, without the frame around a wrong argument."""
    own = {"KEHU_HOME": str(home), "COLUMNS": "200", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-m", "kehu.cli", *arguments],
        env=os.environ | own | environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
    )  # fmt: skip
    lines = [line.strip(" │╭╰─╮╯") for line in done.stdout.splitlines()]
    return done.returncode, [line for line in lines if line and not line.startswith(("Usage:", "Try ", "Error"))]


def refused(home: Path, *arguments: str, **environment: str) -> str:
    code, lines = kehu(home, *arguments, **environment)
    assert code > 0
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rum",), "No such command 'rum'"),
        (("run", "--as-of", "yesterday"), "'yesterday' does not match the format"),
        (("run", "--from", "2011-12-01"), "give --as-of alone, or --from and --to together"),
        (("run", "--from", "2011-12-02", "--to", "2011-12-01"), "the earlier day first"),
        (("run", "--as-of", "2011-12-10"), "2011-12-10 is after the last_night of sources.yml, 2011-12-09"),
        (("run", "--from", "2011-12-09", "--to", "2011-12-10"), "2011-12-10 is after the last_night"),
        (("export", "callback", "--format", "xlsx"), "'xlsx' is not"),
        (("identity", "explain"), "Missing argument"),
        (("waive", "--reason", "a sale"), "name a load, or a night"),
        (("psql",), NO_NIGHT),
        (("rollback",), NO_NIGHT),
        (("fingerprint",), NO_NIGHT),
        (("sandbox",), NO_NIGHT),
        (("export", "callback"), NO_NIGHT),
        (("replay",), NO_NIGHT),
        (("rollback-model", "churn"), NO_NIGHT),
        (("identity", "explain", "P-1"), NO_NIGHT),
        (("export-my-data", "P-1", "--out", "x"), NO_NIGHT),
        (("reveal", "P-1"), NO_NIGHT),
        (("erase", "P-1", "--reason", "a letter"), NO_NIGHT),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_wrong_arguments_and_nothing_to_read(tmp_path, arguments, said):
    assert said in refused(tmp_path / "home", *arguments)
    assert not (tmp_path / "home" / "postgres").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), ("sources: [", "not YAML"), ("sources:\n  shop:\n    kind: fils\n", "shop")],
    ids=["missing", "not YAML", "incomplete"],
)
def test_sources_that_cannot_be_read(tmp_path, content, said):
    file = tmp_path / "own.yml"
    if content is not None:
        file.write_text(content)
    told = refused(tmp_path / "home", "run", KEHU_SOURCES=str(file))
    assert "own.yml" in told
    assert said in told


class TestServer:
    """A server of one's own that does not answer, or does not let us in."""

    @pytest.mark.parametrize(
        "command", [("run",), ("fingerprint",), ("rollback",), ("waive", "3", "--reason", "a sale")]
    )
    def test_it_does_not_answer(self, tmp_path, command):
        url = "postgresql://kehu:secret-word@127.0.0.1:1/warehouse"
        told = refused(tmp_path / "home", *command, KEHU_WAREHOUSE_URL=url)
        assert "refused" in told
        assert "secret-word" not in told

    @pytest.mark.parametrize("command", [("run",), ("fingerprint",)])
    def test_the_password_is_wrong(self, tmp_path, server_url, command):
        parts = urlsplit(server_url)
        url = urlunsplit(parts._replace(netloc=f"{parts.username}:wrong-word@{parts.hostname}:{parts.port}"))
        told = refused(tmp_path / "home", *command, KEHU_WAREHOUSE_URL=url)
        assert "password authentication failed" in told
        assert "wrong-word" not in told

    def test_the_database_is_missing(self, tmp_path, server_url):
        url = urlunsplit(urlsplit(server_url)._replace(path="/nowhere"))
        assert 'database "nowhere" does not exist' in refused(tmp_path / "home", "fingerprint", KEHU_WAREHOUSE_URL=url)


class TestFolder:
    """A home that cannot be written."""

    def test_a_file_is_where_the_home_should_be(self, tmp_path):
        (tmp_path / "home").write_text("")
        assert str(tmp_path / "home") in refused(tmp_path / "home", "run")

    @pytest.mark.parametrize(("options", "said"), [("ro", "Read-only file system"), ("size=16k", "No space left")])
    def test_a_file_system_that_takes_nothing(self, tmp_path, options, said):
        folder = tmp_path / "disk"
        folder.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
        )
        if mounted.returncode:
            pytest.skip("only root may mount a file system here")
        try:
            assert said in refused(folder / "home", "run")
        finally:
            remove_server(Home(folder / "home"))  # it may have been started before the disk was full
            subprocess.run(["umount", str(folder)], check=True)
