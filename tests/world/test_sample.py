"""The shipped sample is what the generator makes around the real lines, small, and without a trace of the truth."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from world.layout import ENTITIES, INVOICE_KEY
from world.sample import SAMPLE, TRUTH, build

LIMIT_BYTES = 4_000_000


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    build(folder / "sample", folder / "truth", SAMPLE)
    return folder


def generated(sample: Path) -> dict[str, Path]:
    files = {str(path.relative_to(sample)): path for path in sorted(sample.rglob("*.gz"))}
    return {name: path for name, path in files.items() if not name.startswith("shop/order_lines")}


def test_the_shipped_files_are_what_the_generator_makes(rebuilt: Path):
    made, shipped = generated(rebuilt / "sample"), generated(SAMPLE)
    assert list(made) == list(shipped)
    for name, path in made.items():  # packed bytes may differ with the zlib at hand
        assert gzip.decompress(path.read_bytes()) == gzip.decompress(shipped[name].read_bytes()), name
    for path in TRUTH.glob("*.parquet"):
        pd.testing.assert_frame_equal(pd.read_parquet(path), pd.read_parquet(rebuilt / "truth" / path.name))


def test_the_sample_is_small_and_has_every_entity():
    files = generated(SAMPLE)
    assert sum(path.stat().st_size for path in files.values()) < LIMIT_BYTES
    for entity in ENTITIES:
        beginning = entity.pattern.split("YYYY")[0].removesuffix(f".{entity.format}")
        if entity.name != "order_lines":
            assert any(name.startswith(beginning) for name in files), entity


def test_accounts_belong_to_real_customer_numbers_and_the_truth_knows_their_invoices():
    lines = pd.concat(pd.read_csv(path, dtype=str) for path in sorted((SAMPLE / "shop").glob("order_lines_*.gz")))
    accounts = pd.concat(
        pd.read_json(path, lines=True, dtype={"account_id": str}) for path in (SAMPLE / "shop").glob("accounts_*.gz")
    )
    known = set(lines["CustomerID"].dropna())
    assert set(accounts["account_id"]) <= known
    assert 800 <= accounts["account_id"].nunique() <= 900
    truth = pd.read_parquet(TRUTH / "records.parquet")
    told = truth[truth["entity"] == "order_lines"].set_index("record_id")["person_id"]
    owners = truth[truth["entity"] == "accounts"].set_index("record_id")["person_id"]
    sales = lines.dropna(subset=["CustomerID"]).drop_duplicates(INVOICE_KEY)
    sales = sales[sales["CustomerID"].isin(owners.index)]
    assert (told[sales[INVOICE_KEY]].to_numpy() == owners[sales["CustomerID"]].to_numpy()).all()
    assert owners.duplicated().sum() > 10  # some people have two of the real numbers
