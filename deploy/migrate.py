"""Apply Airflow's and the warehouse's migrations; safe to repeat. The compose service `migrate` runs this once."""

from __future__ import annotations

import os
import subprocess

from kehu.warehouse.migrate import migrate

if __name__ == "__main__":
    subprocess.run(["airflow", "db", "migrate"], check=True)
    applied = migrate(os.environ["AIRFLOW_CONN_WAREHOUSE"])
    print(f"warehouse migrations applied: {', '.join(applied) or 'none, up to date'}")
