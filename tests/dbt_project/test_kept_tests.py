"""dbt's tests of kept models read what changed since the last published run, and nothing that passed them before."""

from __future__ import annotations

from datetime import date

import pytest

from kehu.airflow.dbt import DbtError
from tests.dbt_project.warehouse import Warehouse, line

DAYS = [date(2024, 3, 1), date(2024, 3, 2)]
BUILT = ("+fct_order_lines", "+fct_orders", "+dim_products", "+dim_dates")


@pytest.fixture(scope="module")
def warehouse(server_url):
    warehouse = Warehouse(server_url)
    for number, day in enumerate(DAYS):
        warehouse.land_columns("shop", "order_lines", [line(str(number), "", f"{day} 10:00:00")], day)
        warehouse.build_nodes(*BUILT, day=day)
        if not number:
            warehouse.execute(
                "update ops.runs set status = 'published' where run_id = (select max(run_id) from ops.runs)"
            )
    return warehouse


BETWEEN = "update intermediate.int_order_lines__classified set direction = null where invoice_number = '{}'"
PUBLISHED = "update kept.fct_order_lines set product_id = 'none' where order_id = '{}'"


def test_rows_are_tested_while_no_run_with_them_was_published(warehouse):
    old, new = "01"
    warehouse.execute(BETWEEN.format(old))
    warehouse.execute(PUBLISHED.format(old))
    warehouse.build_nodes(*BUILT, day=DAYS[1])
    warehouse.execute(PUBLISHED.format(new))
    with pytest.raises(DbtError, match="relationships_fct_order_lines_product_id"):
        warehouse.build_nodes(*BUILT, day=DAYS[1])
    warehouse.execute(BETWEEN.format(new))
    with pytest.raises(DbtError, match="not_null_int_order_lines__classified_direction"):
        warehouse.build_nodes(*BUILT, day=DAYS[1])


def test_all_rows_are_tested_after_all_were_worked_out_anew(warehouse):
    warehouse.execute("update ops.model_states set code_version = 'older' where model = 'int_order_lines__classified'")
    warehouse.build_nodes(*BUILT, day=DAYS[1])
    warehouse.execute("update intermediate.int_order_lines__classified set direction = null where invoice_number = '0'")
    with pytest.raises(DbtError, match="not_null_int_order_lines__classified_direction"):
        warehouse.build_nodes(*BUILT, day=DAYS[1])
