"""A warehouse kept as it is at one moment, and put back as often as wanted."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from bench.night import Bench
from kehu.local.environment import with_database

# What is said of a database itself does not come with its template: its settings, and who may do what in it.
SETTINGS = """
    select unnest(setconfig) from pg_db_role_setting
    inner join pg_database on setdatabase = pg_database.oid where datname = 'warehouse' and setrole = 0
"""
RIGHTS = """
    select privilege_type, case when grantee <> 0 then pg_get_userbyid(grantee) end
    from pg_database, aclexplode(datacl) where datname = 'warehouse'
"""


@dataclass
class Copies:
    """Copies of an installation's warehouse, by name; whoever reads has to connect again after one is put back."""

    bench: Bench
    settings: list[str] = field(default_factory=list)
    rights: list[tuple[str, str | None]] = field(default_factory=list)

    def keep(self, name: str) -> None:
        """Keep the warehouse as it is now."""
        with self._server() as connection:
            self.settings = [row[0] for row in connection.execute(SETTINGS)]
            self.rights = list(connection.execute(RIGHTS))
            connection.execute(_copy(name, "warehouse"))

    def put_back(self, name: str) -> None:
        """The warehouse as it was kept."""
        warehouse = sql.Identifier("warehouse")
        with self._server() as connection:
            connection.execute("drop database warehouse with (force)")
            connection.execute(_copy("warehouse", name))
            for setting in self.settings:
                key, value = setting.split("=", 1)
                words = sql.SQL("alter database {} set {} = {}")
                connection.execute(words.format(warehouse, sql.Identifier(key), sql.Literal(value)))
            if self.rights:
                connection.execute("revoke all on database warehouse from public")
            for right, role in self.rights:
                to = sql.Identifier(role) if role else sql.SQL("public")
                words = sql.SQL("grant {} on database {} to {}")
                connection.execute(words.format(sql.SQL(right), warehouse, to))  # type: ignore[arg-type]

    def _server(self) -> psycopg.Connection:
        return psycopg.connect(with_database(self.bench.url, "postgres"), autocommit=True)


def _copy(to: str, template: str) -> sql.Composed:
    words = sql.SQL("create database {} template {} strategy file_copy")
    return words.format(sql.Identifier(to), sql.Identifier(template))
