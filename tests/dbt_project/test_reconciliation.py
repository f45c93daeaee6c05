from __future__ import annotations

import psycopg
import pytest

from kehu.paths import DBT_PROJECT

ACCOUNTS = """
create table public.accounts (layer text, reason text, count_lines integer, amount numeric);
insert into public.accounts values
    ('raw', 'staged', 3, 30), ('raw', 'quarantined: x', 1, -5),
    ('staging', 'counted', 2, 20), ('staging', 'excluded: y', 1, 10), ('marts', 'sale', 2, 20);
"""


@pytest.mark.parametrize(
    ("damage", "broken"),
    [
        ("select 1", []),
        ("update public.accounts set amount = 20.01 where layer = 'marts'", ["marts"]),
        ("update public.accounts set count_lines = 2 where reason = 'excluded: y'", ["staging"]),
        ("delete from public.accounts where layer = 'marts'", ["marts"]),
    ],
)
def test_a_penny_or_a_line_lost_between_layers_is_found(url, damage, broken):
    query = (DBT_PROJECT / "tests" / "layers_reconcile.sql").read_text()
    query = query.replace("{{ ref('rpt_line_reconciliation') }}", "public.accounts")
    with psycopg.connect(url) as connection:
        connection.execute(ACCOUNTS)
        connection.execute(damage)
        assert [row[0] for row in connection.execute(query).fetchall()] == broken
