"""Turn secret files into the variables Airflow reads, then become the command.

`KEHU_SECRETS` names a folder with one file per secret (compose mounts /run/secrets). The passwords travel in the
environment of the process alone, never in the compose file, the image or a command line.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import quote, urlencode

SECRETS = (
    "warehouse_password", "night_password", "airflow_password", "fernet_key", "jwt_secret", "api_secret_key",
    "ui_passwords", "erasure_key", "pseudonym_key", "vault_key",
)  # fmt: skip


def environment(folder: Path, given: dict[str, str]) -> dict[str, str]:
    """The command's environment: what was given, and the connections made of secrets and addresses.

    Raises
    ------
    SystemExit
        If a secret's file is missing or empty; the message names the file.
    """
    secrets = {name: _read(folder / name) for name in SECRETS}
    warehouse = given.get("KEHU_WAREHOUSE_ADDRESS", "kehu@warehouse-db:5432/warehouse")
    metadata = given.get("KEHU_AIRFLOW_ADDRESS", "airflow@airflow-db:5432/airflow")
    night = f"night@{warehouse.split('@', 1)[1]}"
    # Clients check that the server is the one they mean; a deployment with databases of its own may ask for less.
    root = given.get("KEHU_DATABASE_TLS_ROOT", str(folder / "database_tls_root"))
    tls = {"sslmode": given.get("KEHU_DATABASE_SSLMODE", "verify-full"), "sslrootcert": root}
    return {
        **given,
        "AIRFLOW_CONN_WAREHOUSE": _url("postgresql", night, secrets["night_password"], tls),
        "AIRFLOW_CONN_WAREHOUSE_OWNER": _url("postgresql", warehouse, secrets["warehouse_password"], tls),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": _url("postgresql+psycopg2", metadata, secrets["airflow_password"], tls),
        # Airflow's own choice, asyncpg, does not know libpq's names for TLS.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": _url(
            "postgresql+psycopg_async", metadata, secrets["airflow_password"], tls
        ),
        "KEHU_ERASURE_KEY": secrets["erasure_key"],
        "KEHU_PSEUDONYM_KEY": secrets["pseudonym_key"],
        "KEHU_VAULT_KEY": secrets["vault_key"],
        "AIRFLOW__CORE__FERNET_KEY": secrets["fernet_key"],
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets["jwt_secret"],
        "AIRFLOW__API__SECRET_KEY": secrets["api_secret_key"],
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": _private_copy(given, secrets["ui_passwords"]),
    }


def _read(path: Path) -> str:
    try:
        value = path.read_text().strip()
    except OSError as error:
        sys.exit(f"secret {path}: {error.strerror}")
    return value or sys.exit(f"secret {path} is empty")


def _private_copy(given: dict[str, str], passwords: str) -> str:
    """Airflow opens its password file for writing, and a mounted secret is read-only."""
    path = Path(given["AIRFLOW_HOME"]) / "ui_passwords.json"
    path.touch(mode=0o600)
    path.write_text(passwords)
    return str(path)


def _url(scheme: str, address: str, password: str, options: dict[str, str]) -> str:
    user, host = address.split("@", 1)
    return f"{scheme}://{quote(user)}:{quote(password, safe='')}@{host}?{urlencode(options)}"


if __name__ == "__main__":
    command = sys.argv[1:] or ["airflow", "version"]
    os.execvpe(command[0], command, environment(Path(os.environ.get("KEHU_SECRETS", "/run/secrets")), dict(os.environ)))  # noqa: S606
