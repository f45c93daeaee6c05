"""`kehu identity`: why records are one customer, and what other settings would change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from kehu.local.terminal import console, fail, say, warehouse
from kehu.paths import decisions_file, identity_settings, state_folder

if TYPE_CHECKING:
    from ml.identity.explain import Explained, Link
    from ml.identity.simulate import Simulation

app = typer.Typer(no_args_is_help=True, help="Why records are one customer, and what other settings would change.")
MOST_LINKS = 100
BETWEEN = {"merged": "into", "split": "off"}
Kind = Literal["person", "company"]


@app.command()
def explain(
    customer_id: Annotated[str, typer.Argument(help="a customer's id, or an alias of it")],
    show_values: Annotated[bool, typer.Option(help="also print names, mails, phones as they are compared")] = False,
    all_links: Annotated[bool, typer.Option(help=f"print more than the {MOST_LINKS} strongest links")] = False,
) -> None:
    """Print and draw why a customer's records are one: history, links with evidence, what ties each record."""
    from ml.identity.explain import UnknownCustomerError, read_values
    from ml.identity.explain import explain as look_up
    from ml.identity.explain_picture import draw
    from ml.identity.settings import SettingsError, load

    url = warehouse("there is nothing to read yet")
    try:
        explained = look_up(url, customer_id.strip(), load(identity_settings()))
    except (UnknownCustomerError, SettingsError) as error:
        fail(str(error))
    _print_customer(explained)
    if show_values:
        for row in read_values(url, explained):
            told = ", ".join(f"{name} {_text(value)}" for name, value in row.items() if name != "record_key" and value)
            say(f"  {row['record_key']}: {told or 'nothing'}")
    _print_links(explained, len(explained.links) if all_links else MOST_LINKS)
    _print_ties(explained)
    say(f"picture  {draw(explained, _folder() / f'explain_{explained.customer_id}.png')}")


@app.command()
def simulate(
    settings: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="settings to try, in full")],
    decisions: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="decisions to try")] = None,
    kind: Annotated[Kind, typer.Option(help="what to link")] = "person",
) -> None:
    """Link the newest night's records under other settings; print and draw what would change. Writes no table."""
    from ml.identity.settings import SettingsError, load
    from ml.identity.simulate import NothingToCompareError
    from ml.identity.simulate import simulate as try_out
    from ml.identity.simulate_picture import draw
    from ml.identity.store import DecisionError

    try:
        wanted = load(settings)
    except SettingsError as error:
        fail(str(error))
    url = warehouse("there is nothing to read yet")
    try:
        with console.status("linking the newest night's records"):
            simulation = try_out(url, wanted, kind, decisions or decisions_file())
    except (NothingToCompareError, DecisionError) as error:
        fail(str(error))
    _print_simulation(simulation)
    say(f"picture  {draw(simulation, _folder() / 'simulation.png')}")


def _print_customer(explained: Explained) -> None:
    if explained.asked != explained.customer_id:
        say(f"{explained.asked} lives on as {explained.customer_id}")
    say(f"{explained.customer_id}: {explained.kind}, {len(explained.records)} records", style="bold")
    if explained.aliases:
        say(f"aliases: {', '.join(explained.aliases)}")
    width = max(len(record.record_key) for record in explained.records)
    for record in explained.records:
        known = f"known since {record.known_at:%Y-%m-%d}, " if record.known_at else ""
        say(f"  {record.record_key:<{width}}  {known}with this customer since the night of {record.valid_from}")
    for event in explained.history:
        other = f" {BETWEEN[event.event]} {event.other_customer_id}" if event.other_customer_id else ""
        say(f"{event.as_of_date}  {event.customer_id} {event.event}{other} ({event.count_records} records)")


def _print_links(explained: Explained, most: int) -> None:
    from ml.identity.pictures import chance

    say("\nlinks, the strongest first (bits: log2 of the odds, + for and − against being one)", style="bold")
    for link in explained.links[:most]:
        say(f"{link.left_key} – {link.right_key}: {_name(link)} {chance(link.probability)}")
        if link.steps:
            steps = ", ".join(f"{': '.join(filter(None, (s.name, s.outcome)))} {s.bits:+.1f}" for s in link.steps)
            say(f"    {steps}; in all {link.weight:+.1f}", style="dim")
    if len(explained.links) > most:
        say(f"and {len(explained.links) - most} more (--all-links)")


def _name(link: Link) -> str:
    return f"same key {link.rule}" if link.is_own_key else f"by {link.rule}"


def _print_ties(explained: Explained) -> None:
    """The chains of strongest links as a tree that grows from the first record."""
    first = explained.records[0].record_key
    say("\nwhat ties each record to the first one, by the strongest links", style="bold")
    tree = Tree(escape(first))
    branch = {first: tree}
    for tie in explained.ties:
        bits = f" {tie.link.weight:+.1f} bits" if tie.link.steps else ""
        branch[tie.record_key] = branch[tie.towards].add(escape(f"{tie.record_key}  ({_name(tie.link)}{bits})"))
    console.print(tree, highlight=False)
    for record_key in explained.untied:
        say(f"{record_key}: no link of its own; the pairs within the customer's component spoke for it together")


def _print_simulation(simulation: Simulation) -> None:
    from ml.identity.pictures import chance
    from ml.identity.simulate_picture import headline, stakes

    say(headline(simulation), style="bold")
    say(stakes(simulation))
    trained = "a model was trained for these settings" if simulation.is_trained_anew else "by the model in force"
    say(f"{trained}; nothing was written to the warehouse")
    table = Table("", "customers now", "then", "records", box=None)
    for outcome in simulation.outcomes:
        table.add_row(
            outcome.outcome, *(f"{n:,}" for n in (outcome.count_before, outcome.count_after, outcome.count_records))
        )
    console.print(table)
    table = Table("rule", "links kept", "gained", "lost", box=None)
    for rule in simulation.rules:
        table.add_row(escape(rule.rule), *(f"{n:,}" for n in (rule.count_kept, rule.count_gained, rule.count_lost)))
    console.print(table)
    if simulation.segments:
        table = Table("segment", "scored customers", "of them moved", box=None)
        for segment in simulation.segments:
            table.add_row(escape(segment.segment), f"{segment.count_customers:,}", f"{segment.count_moved:,}")
        console.print(table)
    for example in simulation.examples:
        why = f"{example.rule} {chance(example.probability)}"
        say(f"{example.change}: {example.left_key} – {example.right_key} ({why})")
    for decision in simulation.idle:
        say(f"does nothing: {decision}")


def _text(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _folder() -> Path:
    return state_folder() / "identity"
