"""`kehu erase`, `kehu export-my-data` and `kehu reveal`: what a person may ask for, and what is asked of the vault."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from kehu.local.terminal import console, fail, installation, say

if TYPE_CHECKING:
    from kehu.privacy.vault import Vault

app = typer.Typer(add_completion=False)
NOBODY_YET = "nothing is kept about anybody yet"
RECEIPT = """
select erasure_id, cardinality(customer_ids), count_found, places_scanned ->> 'cells', places_scanned ->> 'files'
from ops.erasures order by erasure_id desc limit 1
"""
IS_OPEN = "select exists (select from ops.erasure_requests where customer_id = any(%s))"


@app.command()
def erase(
    customers: Annotated[list[str], typer.Argument(metavar="CUSTOMER...", help="ids, such as P-1f0c…")],
    reason: Annotated[str, typer.Option(help="such as the number of the letter; not the person's name")],
    night: Annotated[bool, typer.Option(help="run the published night again afterwards, without them")] = True,
) -> None:
    """Erase customers everywhere, write the receipt, and run the published night again without them."""
    import psycopg

    from kehu.local.night import NightError, one_at_a_time, run_night
    from kehu.local.postgres import ServerError
    from kehu.local.setup import SetupError, prepare
    from kehu.privacy.erase import ErasureError, request
    from kehu.privacy.person import UnknownCustomerError
    from kehu.warehouse.runs import published_night

    home = installation(NOBODY_YET)
    try:
        databases, environment = prepare(home)
        url = databases.warehouse
        published = published_night(url)
        if published is None:
            fail("no night is published yet: nobody is known")
        with one_at_a_time(url):
            request(url, customers, getpass.getuser(), reason)
            day = published.as_of_date.isoformat()
            with console.status("erasing, and looking at everything"):
                log = home.logs / "erase.log"
                with log.open("w") as stream:
                    command = [sys.executable, "-m", "kehu.airflow.inprocess", "erase", day]
                    done = subprocess.run(command, env=environment, stdout=stream, stderr=stream, check=False)
            with psycopg.connect(url) as connection:
                is_open = connection.execute(IS_OPEN, [customers]).fetchone() == (True,)
                row = connection.execute(RECEIPT).fetchone()
            if is_open or row is None:
                fail(f"they were not erased, the requests stay open. Log: {log}")
            if done.returncode != 0:
                say(f"they are erased; something else is to be done, such as older requests that stay open. Log: {log}")
            say(
                f"receipt {row[0]} (ops.erasures): {row[1]} ids, {row[2]} rows and files changed; nothing left in"
                f" {row[3]} cells and {row[4]} files"
            )
            if night:
                run_night(home, databases, environment, published.as_of_date, console)
    except (ErasureError, NightError, ServerError, SetupError, UnknownCustomerError) as error:
        fail(str(error))


@app.command("export-my-data")
def export_my_data(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="the id, such as P-1f0c…")],
    out: Annotated[Path, typer.Option(help="the folder for the two files")],
) -> None:
    """Write all that is kept about a person as JSON and HTML; asks for the role pii_reader, and is noted."""
    from kehu.privacy.disclose import DisclosureError, disclose
    from kehu.privacy.person import UnknownCustomerError
    from kehu.privacy.reveal import RevealError
    from kehu.privacy.vault import VaultError

    url, vault = opened()
    try:
        done = disclose(url, customer, out, getpass.getuser(), vault)
    except (DisclosureError, RevealError, UnknownCustomerError, VaultError) as error:
        fail(str(error))
    say(f"{done.json_file} and {done.html_file}: {done.count_rows} rows of {done.count_places} tables")


@app.command()
def reveal(customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="the id, such as P-1f0c…")]) -> None:
    """Show what was known of a person from when to when, in clear text; asks for the role pii_reader, and is noted."""
    from rich.table import Table

    from kehu.privacy.reveal import RevealError
    from kehu.privacy.reveal import reveal as revealed
    from kehu.privacy.vault import VaultError

    url, vault = opened()
    try:
        periods = revealed(url, customer, getpass.getuser(), vault)
    except (RevealError, VaultError) as error:
        fail(str(error))
    for period in periods:
        until = period["valid_to"] or "now"
        table = Table("field", "value", title=f"{period['customer_id']}, {period['valid_from']} to {until}")
        for field, value in period.items():
            if value is not None and field not in ("customer_id", "valid_from", "valid_to"):
                table.add_row(field, escape(str(value)))
        console.print(table)


def opened() -> tuple[str, Vault]:
    """The warehouse, and what opens people's keys in it."""
    from kehu.local.environment import Databases
    from kehu.privacy.keys import VAULT, HashKeyError
    from kehu.privacy.vault import Vault

    home = installation(NOBODY_YET)
    # Where the server is another's, so are the secrets: none is made up here.
    secrets = {VAULT: home.secrets()["vault_key"]} if home.has_secrets else {}
    try:
        return Databases.ensure(home).warehouse, Vault.from_environment(secrets | os.environ)
    except HashKeyError as error:
        fail(str(error))
