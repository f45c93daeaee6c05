"""`python -m tests.fakes`: all three fakes with a crowd inside, until interrupted."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from tests.fakes.crowd import fill_fxiaoke, fill_rest, fill_zoho
from tests.fakes.fxiaoke import FakeFxiaoke
from tests.fakes.rest import FakeRest
from tests.fakes.server import FakeServer
from tests.fakes.zoho import FakeZoho

REST_TOKEN = "fake-rest-token"


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    zoho, fxiaoke, rest = filled(options.customers)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as servers:
        try:
            urls = [
                servers.enter_context(FakeServer(app, port)).url
                for app, port in ((zoho, options.port_zoho), (fxiaoke, options.port_fxiaoke), (rest, options.port_rest))
            ]
        except OSError as error:
            sys.exit(
                f"a port is taken ({error.strerror}): are the fakes running already? --port-zoho and others name ports"
            )
        for line in (*listening(urls), *connections(zoho, fxiaoke, urls)):
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
        stop.wait()


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes", description=__doc__)
    parser.add_argument("--port-zoho", type=int, default=18801)
    parser.add_argument("--port-fxiaoke", type=int, default=18802)
    parser.add_argument("--port-rest", type=int, default=18803)
    parser.add_argument("--customers", type=int, default=5_000, help="customers in each system")
    return parser.parse_args(arguments)


def filled(customers: int) -> tuple[FakeZoho, FakeFxiaoke, FakeRest]:
    """The three services with so many customers each, and all else in proportion."""
    zoho, fxiaoke, rest = FakeZoho(), FakeFxiaoke(), FakeRest(REST_TOKEN)
    fifth = max(1, customers // 5)
    fill_zoho(zoho, customers, fifth, fifth, fifth, fifth)
    fill_fxiaoke(fxiaoke, customers, customers // 2, fifth, fifth, fifth)
    fill_rest(rest, fifth, max(1, customers))
    return zoho, fxiaoke, rest


def listening(urls: list[str]) -> list[str]:
    return [f"# {name:8} {url}" for name, url in zip(("Zoho", "Fxiaoke", "REST"), urls, strict=True)]


def connections(zoho: FakeZoho, fxiaoke: FakeFxiaoke, urls: list[str]) -> list[str]:
    """Airflow connections, as lines for a shell."""
    known, app = zoho.credentials, fxiaoke.credentials
    written = {
        "ZOHO_CRM": connection(
            "zoho_crm", urls[0], known.client_id, known.client_secret, {"refresh_token": known.refresh_token}
        ),
        "FXIAOKE": connection(
            "fxiaoke",
            urls[1],
            app.app_id,
            app.app_secret,
            {"permanent_code": app.permanent_code, "open_user_id": app.open_user_id},
        ),
        "REST": connection("http", urls[2], "", REST_TOKEN, {}),
    }
    return [f"export AIRFLOW_CONN_{name}='{json.dumps(value)}'" for name, value in written.items()]


def connection(kind: str, host: str, login: str, password: str, extra: dict[str, Any]) -> dict[str, Any]:
    return {"conn_type": kind, "host": host, "login": login, "password": password, "extra": extra}


if __name__ == "__main__":
    main()
