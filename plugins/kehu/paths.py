"""Where the project lies, and where a run may write."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DBT_PROJECT = PROJECT / "dbt_project"


def state_folder() -> Path:
    """The folder for everything a run leaves behind: `KEHU_HOME`, else `.kehu` in the project."""
    return Path(os.environ.get("KEHU_HOME") or PROJECT / ".kehu").resolve()


def installation_databases() -> tuple[str, ...]:
    """URLs of other databases in which something of a run may lie: Airflow's own, if `KEHU_AIRFLOW_URL` tells it."""
    url = os.environ.get("KEHU_AIRFLOW_URL")
    return (url,) if url else ()


def reports_folder() -> Path:
    """Where the nightly reports are written."""
    return state_folder() / "reports"


def data_docs_folder() -> Path:
    """Where Great Expectations' pages of each run's checks are written."""
    return state_folder() / "data_docs"


def identity_settings() -> Path:
    """The settings of the linkage: `KEHU_IDENTITY_SETTINGS`, else those that come with it."""
    return Path(os.environ.get("KEHU_IDENTITY_SETTINGS") or PROJECT / "ml" / "identity" / "settings.yml")


def decisions_file() -> Path:
    """The CSV file of decisions about pairs of records: `KEHU_DECISIONS`, else `decisions.csv` in the project."""
    return Path(os.environ.get("KEHU_DECISIONS") or PROJECT / "decisions.csv")


def tag_registry() -> Path:
    """The registry of customer tags: `KEHU_TAGS`, else the one that comes with the dbt project."""
    return Path(os.environ.get("KEHU_TAGS") or DBT_PROJECT / "tags.yml")


def list_registry() -> Path:
    """The registry of lists for action: `KEHU_LISTS`, else the one that comes with the dbt project."""
    return Path(os.environ.get("KEHU_LISTS") or DBT_PROJECT / "lists.yml")
