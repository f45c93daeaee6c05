"""How the commands of `kehu` speak, and how one that cannot go on ends: one line, and an exit code that is not 0."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from kehu.local.home import Home

console = Console()


def say(text: str, style: str = "") -> None:
    """Print a text as it is."""
    console.print(escape(text), style=style, highlight=False, soft_wrap=True)


def fail(message: str, code: int = 1) -> NoReturn:
    """Print why the command cannot go on, and end it."""
    say(message, "red")
    raise typer.Exit(code)


def installation(otherwise: str, code: int = 1) -> Home:
    """The home of an installation that has run; where there is none, and no server is named, the command fails."""
    home = Home.from_environment()
    if not os.environ.get("KEHU_WAREHOUSE_URL") and not (home.root / "pgpass").exists():
        fail(f"{otherwise}: `make run` first", code)
    return home


def warehouse(otherwise: str, code: int = 1) -> str:
    """The URL of an installation's warehouse."""
    from kehu.local.environment import Databases

    return Databases.ensure(installation(otherwise, code)).warehouse


def in_one_line(command: Callable[[], None]) -> None:
    """Run a command; what the machine or the server refuses ends it like any other failure, without a traceback."""
    try:
        command()
    except Exception as error:
        message = _refusal(error)
        if message is None:
            raise
        say(message, "red")
        raise SystemExit(1) from None


def _refusal(error: Exception) -> str | None:
    """What the machine or the server refused; None of what is no refusal. Imports what most commands do not need."""
    import psycopg

    from kehu.local.postgres import ServerError
    from kehu.warehouse.migrate import MigrationError

    if isinstance(error, (ServerError, MigrationError)):
        return str(error)
    if isinstance(error, psycopg.OperationalError):
        return f"the warehouse: {str(error).splitlines()[0]}"
    if isinstance(error, OSError):
        return f"{error.strerror}: {error.filename}" if error.filename else str(error)
    return None
