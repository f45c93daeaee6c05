"""`kehu sandbox`, `kehu diff`, `kehu docs`: what people who change models use."""

from __future__ import annotations

import getpass
import time
import webbrowser
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from kehu.local.terminal import console, fail, say, warehouse

if TYPE_CHECKING:
    from kehu.analyst.diff import Difference, Example
    from kehu.analyst.sandbox import Node

app = typer.Typer(add_completion=False)
MOST_NAMES = 12
WIDEST = 40
Name = Annotated[str | None, typer.Option(help="whose sandbox; by default the user's own")]


@app.command()
def sandbox(
    name: Name = None, remove: Annotated[bool, typer.Option("--drop", help="remove the sandbox")] = False
) -> None:
    """Build the changed models and their children in a schema of your own; all else is read where it is published."""
    from kehu.analyst.sandbox import Sandbox, SandboxError, begun_since, build, drop, published

    began = time.monotonic()
    try:
        mine = Sandbox.of(name or getpass.getuser())
        if remove:
            say(f"{mine.schema} is removed" if drop(_published(), mine) else f"there is no {mine.schema}")
            return
        other = begun_since(_published(), published(_published()))
        if other:
            say(f"staging and intermediate may be those of run {other}, which is not the published one")
        nodes = build(_published(), mine, tell=_announce)
    except SandboxError as error:
        fail(str(error))
    broken = [node for node in nodes if node.is_broken]
    _print_nodes(nodes)
    built = [node.name for node in nodes if node.kind in ("model", "seed") and node.is_ok]
    tests = sum(1 for node in nodes if node.kind in ("test", "unit_test") and node.is_ok)
    say(f"{mine.schema}: {len(built)} built, {tests} tests passed, {time.monotonic() - began:.1f} s")
    if broken:
        fail(f"{len(broken)} failed: the first is {broken[0].kind} {broken[0].name}")
    if built:
        say(f"see what changed:  make diff MODEL={built[0]}{f' NAME={name}' if name else ''}")


@app.command()
def diff(
    model: str,
    name: Name = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="end with 1 if there is a difference")] = False,
) -> None:
    """Show what a model in the sandbox has that production has not: columns, rows by key, values.

    Ends with 0, with 2 if there is nothing to compare, and with 1 for a difference if --exit-code is given.
    """
    from kehu.analyst.diff import compare
    from kehu.analyst.sandbox import Sandbox, SandboxError

    try:
        difference = compare(_published(), Sandbox.of(name or getpass.getuser()), model)
    except SandboxError as error:
        fail(str(error), 2)
    _print_difference(difference)
    raise typer.Exit(int(exit_code and not difference.is_empty))


@app.command()
def docs(
    is_opened: Annotated[bool, typer.Option("--open/--no-open", help="open a browser")] = True,
) -> None:
    """Build the dbt docs and serve them on 127.0.0.1 until Ctrl-C."""
    from kehu.analyst.docs import generate, server
    from kehu.analyst.sandbox import SandboxError

    try:
        with console.status("building the docs"):
            folder = generate(_published())
    except SandboxError as error:
        fail(str(error))
    with server(folder) as pages:
        address = f"http://127.0.0.1:{pages.server_port}/"
        say(f"docs  {address}  (Ctrl-C ends it)")
        if is_opened:
            webbrowser.open(address)
        try:
            pages.serve_forever()
        except KeyboardInterrupt:
            say("")


def _announce(names: Sequence[str]) -> None:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    say(f"building {', '.join(names[:MOST_NAMES])}{more}" if names else "testing what did not change itself")


def _print_nodes(nodes: Sequence[Node]) -> None:
    """Each model; of the tests only those that failed."""
    for node in nodes:
        if node.kind in ("model", "seed") or node.is_broken:
            mark = "[red]failed[/red]" if node.is_broken else "[green]ok    [/green]" if node.is_ok else "skipped"
            text = f"  {mark} {node.name:<40} {node.seconds:6.1f} s  {escape(node.message)}"
            console.print(text, highlight=False, soft_wrap=True)


def _print_difference(found: Difference) -> None:
    say(f"{found.here} against {found.there}", style="bold")
    if found.is_empty:
        say(f"no difference: {found.count_here:,} rows")
        return
    for title, columns in (("added", found.added), ("removed", found.removed)):
        for column, kind in columns.items():
            say(f"column {title}: {column} {kind}")
    for column, (before, after) in found.retyped.items():
        say(f"column retyped: {column} {before} → {after}")
    if found.key != found.key_there:
        say(f"key: {', '.join(found.key_there)} → {', '.join(found.key)}")
    key = f"by {', '.join(found.key)}" if found.key else "as wholes, there is no key that both have"
    table = Table(f"rows, {key}", "count", "e.g.", box=None)
    table.add_row("in production", f"{found.count_there:,}", "")
    table.add_row("in the sandbox", f"{found.count_here:,}", "")
    table.add_row("only in production", f"{found.count_only_there:,}", _keys(found.only_there))
    table.add_row("only in the sandbox", f"{found.count_only_here:,}", _keys(found.only_here))
    if found.key:
        table.add_row("changed", f"{found.count_changed:,}", "")
    console.print(table, highlight=False)
    if found.changes:
        _print_changes(found)


def _print_changes(found: Difference) -> None:
    table = Table("changed column", "rows", "e.g. key", "in production", "in the sandbox", box=None)
    for change in found.changes:
        for number, example in enumerate(change.examples):
            head = ("", "") if number else (change.column, f"{change.count:,}")
            table.add_row(*map(escape, (*head, *map(_short, (example.key, example.before, example.after)))))
    console.print(table, highlight=False)


def _keys(examples: Sequence[Example]) -> str:
    return escape("; ".join(_short(example.key) for example in examples))


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def _published() -> str:
    return warehouse("nothing is published yet", 2)
