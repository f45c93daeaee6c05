"""Every right that PostgreSQL's catalog tells of, and every one that `grants.yml` allows, in the same form."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import psycopg
import yaml

EXPECTED = yaml.safe_load((Path(__file__).parent / "grants.yml").read_text())
ROLES = list(EXPECTED)
VERBS = {
    "relation": ("select", "insert", "update", "delete", "truncate", "references", "trigger", "maintain"),
    "sequence": ("usage", "select", "update"),
    "schema": ("usage", "create"),
    "database": ("connect", "create", "temporary"),
    "function": ("execute",),
}
# A schema of its own is what a role works in; PostgreSQL's own catalog is asked for routines that reach further.
OWN = "nspname !~ '^pg_' and nspname <> 'information_schema'"
FAR_REACHING = "^lo_|^lo(read|write)$|advisory|^pg_(read|ls)_|^pg_stat_file|^pg_(rotate|reload|promote)"
OBJECTS = f"""
select 'schema', nspname, '', oid, nspowner from pg_namespace where {OWN}
union all
select case relkind when 'S' then 'sequence' else 'relation' end, nspname, relname, pg_class.oid, relowner
from pg_class inner join pg_namespace on relnamespace = pg_namespace.oid
where {OWN} and relkind in ('r', 'p', 'v', 'm', 'f', 'S')
union all
select 'function', nspname, proname, pg_proc.oid, proowner
from pg_proc inner join pg_namespace on pronamespace = pg_namespace.oid
where {OWN} or nspname = 'pg_catalog' and proname ~ '{FAR_REACHING}'
union all
select 'database', '', '', oid, datdba from pg_database where datname = current_database()
"""


def held(url: str) -> dict[tuple[str, str, str, str], str]:
    """(role, kind, schema, name) -> the verbs that the role has."""
    with psycopg.connect(url) as connection:
        version = connection.info.server_version // 10000
        found: dict[tuple[str, str, str, str], str] = {}
        for kind, verbs in VERBS.items():
            asked = [verb for verb in verbs if verb != "maintain" or version >= 17]
            tests = ", ".join(f"has_{_table(kind)}_privilege(role, objects.oid, '{verb}')" for verb in asked)
            query = f"""
                with objects (kind, space, name, oid, owner) as ({OBJECTS})
                select role, space, name, pg_get_userbyid(owner) = role, {tests}
                from objects cross join unnest(%s::name[]) as role where kind = '{kind}'
            """
            for role, space, name, is_owner, *has in connection.execute(query, [ROLES]).fetchall():
                words = [verb for verb, one in zip(asked, has, strict=True) if one]
                if words:
                    found[role, kind, space, name] = "owner" if is_owner else " ".join(words)
    return found


def memberships(url: str) -> dict[str, set[str]]:
    """Role -> the roles it is a member of, by itself or through others."""
    query = """
        select role, other.rolname from pg_roles as other cross join unnest(%s::name[]) as role
        where other.rolname <> role and pg_has_role(role, other.oid, 'member')
    """
    with psycopg.connect(url) as connection:
        rows = connection.execute(query, [[role for role in ROLES if role != "public"]]).fetchall()
    return {role: {other for one, other in rows if one == role} for role in ROLES}


def column_grants(url: str) -> list[tuple[str, str]]:
    """Columns with grants of their own; there should be none."""
    query = f"""
        select attrelid::regclass::text, attname from pg_attribute
        inner join pg_class on attrelid = pg_class.oid inner join pg_namespace on relnamespace = pg_namespace.oid
        where attacl is not null and {OWN}
    """
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def expected(role: str, kind: str, space: str, name: str) -> str:
    """The verbs that `grants.yml` gives a role; empty: none."""
    if kind == "database":
        return str(EXPECTED[role].get("database", ""))
    for spaces, rights in EXPECTED[role].items():
        if spaces in ("database", "member of") or not _fits(space, spaces):
            continue
        told = rights.get({"schema": "schema", "function": "routines"}.get(kind, "relations"))
        if told is None:
            continue
        if isinstance(told, str):
            return told
        return next((verbs for names, verbs in told.items() if _fits(name, names)), "")
    return ""


def differences(url: str) -> Iterator[str]:
    """One line for each right that is held and not expected, or the other way round."""
    rights = held(url)
    with psycopg.connect(url) as connection:
        query = f"select distinct kind, space, name from ({OBJECTS}) as objects (kind, space, name) order by 1, 2, 3"
        objects = connection.execute(query).fetchall()
    for role in ROLES:
        for kind, space, name in objects:
            has, may = rights.get((role, kind, space, name), ""), expected(role, kind, space, name)
            # Everybody has what the public has.
            everybodys = set() if "owner" in has else set(expected("public", kind, space, name).split())
            if set(has.split()) != set(may.split()) | everybodys:
                yield f"{role}: {kind} {space}.{name}: has {has or 'nothing'}, should have {may or 'nothing'}"


def _table(kind: str) -> str:
    return "table" if kind == "relation" else kind


def _fits(name: str, patterns: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns.split("|"))
