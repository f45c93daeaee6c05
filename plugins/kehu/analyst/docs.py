"""The dbt docs of the project as it stands, with the columns of the published marts, served on this machine only."""

from __future__ import annotations

import json
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from kehu.analyst.sandbox import SandboxError, invoke, published
from kehu.paths import DBT_PROJECT, state_folder
from kehu.warehouse import dbt

PAGES = ("/", "/index.html", "/manifest.json", "/catalog.json")


def generate(url: str, project: Path = DBT_PROJECT) -> Path:
    """Write the docs; return their folder.

    Raises
    ------
    SandboxError
        If nothing is published yet, or the project cannot be read.
    """
    # The marts are described where people read them, not in the run's own schema.
    values = dbt.variables(published(url)) | {"run_schema": "marts"}
    target = state_folder() / "docs"
    with dbt.credentials(url, PGOPTIONS="-c default_transaction_read_only=on"):
        outcome = invoke(["docs", "generate", *dbt.flags(target, project), "--vars", json.dumps(values)])
    if not outcome.success:
        raise SandboxError("the docs could not be made: a model does not compile; `make check` says which")
    return target


def server(folder: Path) -> ThreadingHTTPServer:
    """A server of the docs in a folder on a free port of 127.0.0.1; `serve_forever` starts it."""
    return ThreadingHTTPServer(("127.0.0.1", 0), partial(_Pages, directory=str(folder)))


class _Pages(SimpleHTTPRequestHandler):
    """The pages of the docs and nothing else that dbt left in the folder; requests are not told."""

    def send_head(self) -> Any:
        if self.path.split("?")[0].split("#")[0] not in PAGES:
            self.send_error(404)
            return None
        return super().send_head()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the library's name)
        pass
