"""Apply the numbered SQL migrations, each once, in order, in a transaction of its own."""

from __future__ import annotations

import hashlib
from importlib import resources

import psycopg

LEDGER = """
create table if not exists public.kehu_migrations (
    name text primary key,
    sha256 text not null,
    applied_at timestamptz not null default now()
)
"""
LOCK = 0x6B656875  # 'kehu': one migrator at a time


class MigrationError(RuntimeError):
    """A migration that was already applied has been edited."""


def migrate(url: str) -> list[str]:
    """Bring the warehouse to the newest schema; return the names applied now (none on a second call).

    Raises
    ------
    MigrationError
        If the file of an applied migration has changed since.
    """
    applied_now: list[str] = []
    with psycopg.connect(url) as connection:
        connection.execute("select pg_advisory_lock(%s)", [LOCK])
        connection.execute("set client_min_messages = warning")
        connection.execute(LEDGER)
        connection.commit()
        rows = connection.execute("select name, sha256 from public.kehu_migrations").fetchall()
        applied: dict[str, str] = dict(rows)
        for name, text in _migrations():
            digest = hashlib.sha256(text.encode()).hexdigest()
            if applied.get(name, digest) != digest:
                raise MigrationError(f"migration {name} was applied and then edited; add a new one instead")
            if name in applied:
                continue
            with connection.transaction():
                connection.execute(text)  # type: ignore[arg-type, unused-ignore]
                connection.execute("insert into public.kehu_migrations values (%s, %s)", [name, digest])
            applied_now.append(name)
    return applied_now


def _migrations() -> list[tuple[str, str]]:
    folder = resources.files("kehu.warehouse") / "migrations"
    files = [f for f in folder.iterdir() if f.name.endswith(".sql")]
    return sorted((f.name.removesuffix(".sql"), f.read_text()) for f in files)
