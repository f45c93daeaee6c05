"""A column that is called like the key of a dimension refers to it, so that BI tools can rely on the name."""

from __future__ import annotations

import yaml

from tools.contracts import FOLDERS, KEY, PROJECT, current_shapes

# Channels as people write them: no code list binds them.
FREE = {(mart, "channel", "dim_channels") for mart in ("fct_consents", "fct_feedback", "rpt_service_quality")}
# The past knows customers and companies that are gone since.
FREE |= {
    ("dim_customer_history", "customer_id", "dim_customers"),
    ("dim_customer_history", "company_id", "dim_companies"),
    ("fct_customer_score_history", "customer_id", "dim_customers"),
}


def references() -> set[tuple[str, str, str]]:
    """Mart, column and the mart it refers to, for each relationships test."""
    files = [path for folder in FOLDERS for path in (PROJECT / folder).rglob("_*__models.yml")]
    models = [model for path in files for model in yaml.safe_load(path.read_text())["models"]]
    return {
        (model["name"], column["name"], test["relationships"]["arguments"]["to"].removeprefix("ref('")[:-2])
        for model in models
        for column in model["columns"]
        for test in column.get("data_tests", [])
        if "relationships" in test
    }


def test_columns_named_like_a_dimensions_key_refer_to_one():
    shapes = current_shapes()
    dimensions = {columns[KEY]: mart for mart, columns in shapes.items() if mart.startswith("dim_")}
    assert dimensions["customer_id"] == "dim_customers"
    wanted = {
        (mart, column, dimensions[column])
        for mart, columns in shapes.items()
        for column in columns
        if column in dimensions and dimensions[column] != mart
    }
    assert wanted - references() == FREE
