"""Where the project lies, and where a run may write."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DBT_PROJECT = PROJECT / "dbt_project"


def state_folder() -> Path:
    """The folder for everything a run leaves behind: `KEHU_HOME`, else `.kehu` in the project."""
    return Path(os.environ.get("KEHU_HOME") or PROJECT / ".kehu").resolve()


def reports_folder() -> Path:
    """Where the nightly reports are written."""
    return state_folder() / "reports"
