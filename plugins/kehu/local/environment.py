"""The environment all local processes share: one connection, one Airflow home, no telemetry."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from kehu.local.home import Home
from kehu.local.postgres import Server, ensure_server
from kehu.paths import PROJECT
from kehu.sources.config import sources_file

QUIET = {
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "DO_NOT_TRACK": "1",
    "SCARF_ANALYTICS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
}


@dataclass(frozen=True)
class Databases:
    """The two databases of one server: the warehouse, and Airflow's own metadata."""

    warehouse: str
    airflow: str
    server: Server | None

    @classmethod
    def ensure(cls, home: Home) -> Databases:
        """The existing server behind `KEHU_WAREHOUSE_URL`, else the embedded one (started if needed).

        `KEHU_AIRFLOW_URL` names Airflow's database; by default it is `airflow` on the warehouse's server.
        """
        url = os.environ.get("KEHU_WAREHOUSE_URL")
        if url:
            return cls(url, os.environ.get("KEHU_AIRFLOW_URL") or with_database(url, "airflow"), None)
        server = ensure_server(home)
        password = home.secrets()["postgres_password"]
        return cls(server.dsn(password, "warehouse"), server.dsn(password, "airflow"), server)


def with_database(url: str, database: str) -> str:
    """The same server's URL with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def with_login(url: str, user: str, password: str) -> str:
    """The same database's URL for another login."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user)}:{quote(password, safe='')}@{place}"))


def airflow_environment(home: Home, databases: Databases) -> dict[str, str]:
    """Variables for every Airflow process and for the tasks inside it (secrets included: never log it)."""
    secrets = home.secrets()
    night = databases.server and with_login(databases.warehouse, "night", secrets["night_password"])
    metadata = databases.airflow.replace("postgresql://", "postgresql+psycopg2://", 1)
    return {
        **os.environ,
        **QUIET,
        "KEHU_HOME": str(home.root),
        "KEHU_SOURCES": str(sources_file()),
        "KEHU_AIRFLOW_URL": databases.airflow,
        "KEHU_ERASURE_KEY": os.environ.get("KEHU_ERASURE_KEY") or secrets["erasure_key"],
        "KEHU_PSEUDONYM_KEY": os.environ.get("KEHU_PSEUDONYM_KEY") or secrets["pseudonym_key"],
        "KEHU_VAULT_KEY": os.environ.get("KEHU_VAULT_KEY") or secrets["vault_key"],
        "AIRFLOW_HOME": str(home.airflow),
        "AIRFLOW_CONN_WAREHOUSE": night or databases.warehouse,
        "AIRFLOW_CONN_WAREHOUSE_OWNER": databases.warehouse,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata,
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES": "permanent_code,open_user_id,sqlalchemy_url",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__FERNET_KEY": secrets["fernet_key"],
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home.root / "ui_passwords.json"),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets["jwt_secret"],
        "AIRFLOW__API__SECRET_KEY": secrets["api_secret_key"],
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home.logs / "airflow"),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
    }
