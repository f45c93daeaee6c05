"""How often recommended products are bought next: UCI Online Retail by time split, against popularity, at six dates."""

from __future__ import annotations

import time
from datetime import date

import pandas as pd

from kehu.paths import PROJECT
from ml.recommend.evaluate import back_test

LINES = PROJECT.parent / "shared" / "data" / "online_retail" / "online_retail.parquet"
CUTS = [date(2011, month, 1) for month in range(4, 10)]


def measure() -> dict:
    """Recall and mean average precision at 10 of products new to the customer, 90 days from each cut on."""
    began = time.process_time()
    found = back_test(purchases(), CUTS)
    return {
        "cuts": [str(cut) for cut in found["cut"]],
        **{name: found[name].round(4).tolist() for name in found.columns if name != "cut"},
        "recall_ratio_least": round(float((found["recall_model"] / found["recall_popularity"]).min()), 2),
        "map_ratio_least": round(float((found["map_model"] / found["map_popularity"]).min()), 2),
        "cpu_seconds": round(time.process_time() - began, 1),
    }


def purchases() -> pd.DataFrame:
    """Sales of merchandise (stock codes that begin with five digits) to known customers."""
    lines = pd.read_parquet(LINES)
    is_sale = (lines["Quantity"].astype(float) > 0) & (lines["UnitPrice"].astype(float) > 0)
    codes = lines["StockCode"].astype(str).str.upper()
    lines = lines[is_sale & lines["CustomerID"].notna() & codes.str.match(r"\d{5}")]
    return pd.DataFrame(
        {
            "customer_id": lines["CustomerID"].astype(str),
            "product_id": codes[lines.index],
            "bought_date": pd.to_datetime(lines["InvoiceDate"]).dt.date,
        }
    )
