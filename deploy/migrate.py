"""Apply Airflow's and the warehouse's migrations, let nights log in, make the sources' pools; safe to repeat.

The compose service `migrate` runs this once.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from kehu.sources.config import load
from kehu.warehouse.migrate import migrate
from kehu.warehouse.roles import let_log_in

if __name__ == "__main__":
    subprocess.run(["airflow", "db", "migrate"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        pools = Path(folder) / "pools.json"
        pools.write_text(json.dumps(load().pools()))
        subprocess.run(["airflow", "pools", "import", str(pools)], check=True)
    owner = os.environ["AIRFLOW_CONN_WAREHOUSE_OWNER"]
    applied = migrate(owner)
    let_log_in(owner, "night", unquote(urlsplit(os.environ["AIRFLOW_CONN_WAREHOUSE"]).password or ""))
    print(f"warehouse migrations applied: {', '.join(applied) or 'none, up to date'}")
