from __future__ import annotations

import psycopg
import pytest

from kehu.warehouse.migrate import MigrationError, migrate


def test_a_second_call_has_nothing_to_do(url):
    assert migrate(url) == []


def test_an_edited_migration_is_noticed(url):
    with psycopg.connect(url) as connection:
        connection.execute("update public.kehu_migrations set sha256 = 'other'")
    with pytest.raises(MigrationError, match="was applied and then edited"):
        migrate(url)
