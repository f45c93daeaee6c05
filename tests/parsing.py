"""One reading of the dbt project for all tests of a session.

dbt reads the whole project again where the database or a variable is another one: seconds for each build, and most
of what a test on a small warehouse takes. Here it is read once with stand-ins for what differs, and each build gets
that reading with its own values in their place. dbt still looks for files that changed since.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kehu.paths import DBT_PROJECT
from kehu.warehouse import dbt

# Nothing else in the project may be spelled like these.
DATABASE, RUN_SCHEMA, DAY = "database_of_the_reading", "run_987654321987", "1907-11-13"
URL = f"postgresql://nobody@127.0.0.1:1/{DATABASE}"


@contextmanager
def project_read_once(folder: Path) -> Iterator[None]:
    """For as long as it lasts builds of the project start from one reading, left in `folder`."""
    from dbt.parser.manifest import ManifestLoader

    original = ManifestLoader.read_manifest_for_partial_parse
    raw: list[bytes] = []

    def from_reading(loader: Any) -> Any:
        config = loader.root_project
        own = {
            DATABASE: config.credentials.database,
            RUN_SCHEMA: config.cli_vars.get("run_schema"),
            DAY: config.cli_vars.get("as_of_date"),
        }
        is_other = Path(config.project_root) != DBT_PROJECT or config.target_name != "warehouse" or None in own.values()
        if is_other or config.credentials.database == DATABASE:
            return original(loader)
        if not raw:
            raw.append(_read(folder))
        return _with_values(raw[0], own)

    ManifestLoader.read_manifest_for_partial_parse = from_reading
    try:
        yield
    finally:
        ManifestLoader.read_manifest_for_partial_parse = original


def _read(folder: Path) -> bytes:
    values = {"run_schema": RUN_SCHEMA, "as_of_date": DAY, "code_version": dbt.code_version()}
    command = [sys.executable, "-m", "dbt.cli.main", "parse", *dbt.flags(folder), "--vars", json.dumps(values)]
    subprocess.run(command, env=os.environ | dbt.environment(URL), check=True)
    return (folder / "partial_parse.msgpack").read_bytes()


def _with_values(raw: bytes, own: dict[str, str]) -> Any:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    spelled = re.compile("|".join(own))

    def put(value: Any) -> Any:
        if isinstance(value, str):
            return spelled.sub(lambda found: own[found[0]], value)
        if isinstance(value, dict):
            return {put(key): put(item) for key, item in value.items()}
        return [put(item) for item in value] if isinstance(value, list) else value

    return Manifest.from_msgpack(raw, decoder=lambda data: put(extended_mashumuro_decoder(data)))
