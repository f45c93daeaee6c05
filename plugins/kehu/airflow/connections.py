"""From an Airflow connection to what a source reads of it."""

from __future__ import annotations

from typing import Any

from kehu.sources.contract import Credentials

# Connection types whose URI means the same database to SQLAlchemy under this name.
DIALECTS = {"postgres": "postgresql+psycopg"}


def to_credentials(connection: Any) -> Credentials:
    """An Airflow connection's fields; `sqlalchemy_url` in its extra replaces the URI made of the others."""
    extra = connection.extra_dejson
    scheme, _, rest = str(extra.get("sqlalchemy_url") or connection.get_uri()).partition("://")
    return Credentials(
        host=connection.host,
        port=connection.port,
        login=connection.login,
        password=connection.password,
        schema=connection.schema,
        extra={name: value for name, value in extra.items() if name != "sqlalchemy_url"},
        uri=f"{DIALECTS.get(scheme, scheme)}://{rest}",
    )
