"""A field that is set aside is missing in staging, and nothing else of its record."""

from __future__ import annotations

from tests.dbt_project.warehouse import Warehouse

STAGED = "select account_id, name, email, phone from staging.stg_shop__account_versions order by account_id"


def test_a_field_that_is_set_aside_is_missing_and_the_rest_is_there(server_url):
    warehouse = Warehouse(server_url)
    fields = {"name": "A", "email": "n/a", "phone": "00000"}
    warehouse.land("shop", "accounts", [(one, "2024-03-01 10:00:00", fields) for one in ("1", "2", "3")])
    warehouse.execute(
        """
        insert into ops.quarantined_values (load_id, row_number, field, rule, reason, run_id)
        select 1, place, field, 'x', 'y', 1 from (values (1, 'email'), (2, 'email'), (2, 'phone')) as v (place, field)
        """
    )
    warehouse.build_nodes("stg_shop__account_versions")
    assert warehouse.rows(STAGED) == [("1", "A", None, "00000"), ("2", "A", None, None), ("3", "A", "n/a", "00000")]
