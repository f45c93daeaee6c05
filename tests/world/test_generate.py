"""The same arguments give the same bytes, and memory does not grow with the customers."""

from __future__ import annotations

import gzip
import hashlib
import re
import tracemalloc
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from tests.world.conftest import CUSTOMERS, END, START, World
from world import files as files_module
from world import generate as generate_module
from world import trade
from world.__main__ import main
from world.generate import generate
from world.layout import BY_NAME, ENTITIES, ORDER_HEADER

SAMPLE = Path(__file__).resolve().parents[2] / "sample"
SHORT = (date(2024, 3, 1), date(2024, 4, 15))


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others(tmp_path: Path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        generate(300, seed, tmp_path / name, *SHORT)
    same, again, other = (digest(tmp_path / name) for name in "abc")
    assert same == again
    census = "sources/reference/census_regions.csv.gz"
    assert all(same[name] != other[name] for name in same.keys() & other.keys() - {census} if "order_lines" in name)
    # A second run into the same folder replaces the first, it does not append.
    generate(300, 3, tmp_path / "c", *SHORT)
    assert digest(tmp_path / "c") == same


def test_chunks_share_no_ids_and_do_not_depend_on_what_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(generate_module, "PEOPLE_PER_CHUNK", 200)
    generate(600, 3, tmp_path / "three", *SHORT)
    records = World(tmp_path / "three").truth("records")
    assert not records.duplicated(["source", "entity", "record_id"]).any()
    people = World(tmp_path / "three").truth("people")
    assert people["person_id"].is_unique
    assert len(people) == 660
    generate(200, 3, tmp_path / "one", *SHORT)
    first = World(tmp_path / "one").truth("people")["full_name"][:200].tolist()
    assert people["full_name"][:200].tolist() == first


def test_memory_does_not_grow_with_the_customers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(generate_module, "PEOPLE_PER_CHUNK", 250)
    monkeypatch.setattr(files_module, "WAITING_BYTES", 200_000)
    monkeypatch.setattr("world.truth.Truth.BATCH_ROWS", 1000)
    generate(250, 3, tmp_path / "warm", *SHORT)  # what is cached once is not counted
    peaks = []
    for customers in (500, 2000):
        tracemalloc.start()
        generate(customers, 3, tmp_path / str(customers), *SHORT)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.25 * peaks[0]


def test_plain_files_hold_the_same_text(tmp_path: Path):
    generate(50, 3, tmp_path / "plain", *SHORT, is_gzip=False)
    assert {path.suffix for path in (tmp_path / "plain" / "sources").rglob("*.*")} == {".csv", ".jsonl"}


@pytest.mark.parametrize(
    ("customers", "end"), [(0, END), (5_000_000, END), (10, START)], ids=["none", "too many", "no days"]
)
def test_impossible_worlds_are_refused(tmp_path: Path, customers: int, end: date):
    with pytest.raises(ValueError, match=r"customers must|not after its start"):
        generate(customers, 1, tmp_path, START, end)


def test_the_command_says_what_it_made(tmp_path: Path):
    app = Typer()
    app.command()(main)
    arguments = ["--customers", "20", "--out", str(tmp_path), "--start", "2024-03-01", "--end", "2024-03-20", "--plain"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "20 customers" in result.output
    assert len(list((tmp_path / "sources" / "shop").glob("order_lines_*.csv"))) == 20


def test_each_day_has_its_order_lines_with_the_header_of_the_real_shop(world: World):
    days = {(START + timedelta(days=n)).isoformat() for n in range((END - START).days + 1)}
    files = world.files(BY_NAME["shop", "order_lines"])
    assert set(files) == days
    with gzip.open(SAMPLE / "shop" / "order_lines_2010-12-01.csv.gz", "rt") as real:
        header = real.readline()
    assert header == ORDER_HEADER + "\n"
    for path in files.values():
        with gzip.open(path, "rt", newline="") as stream:
            assert stream.readline() == header


def test_order_lines_follow_the_conventions_of_the_real_shop(world: World):
    rows = [row for _, row in world.rows["shop", "order_lines"]]
    assert all(day == row["InvoiceDate"][:10] for day, row in world.rows["shop", "order_lines"])
    assert all(re.fullmatch(r"C?\d{6}", row["InvoiceNo"]) for row in rows)
    assert all(re.fullmatch(r"\d+\.\d\d", row["UnitPrice"]) for row in rows)
    assert all((int(row["Quantity"]) < 0) == row["InvoiceNo"].startswith("C") for row in rows)
    share = sum(not row["CustomerID"] for row in rows) / len(rows)
    assert 0.02 < share < 0.15
    numbers = [int(row["InvoiceNo"].lstrip("C")) for row in rows]
    assert numbers == sorted(numbers)
    assert min(numbers) == trade.Numbering.FIRST


def test_every_entity_of_the_layout_is_written_and_nothing_else(world: World):
    listed = {path for entity in ENTITIES for path in world.files(entity).values()}
    written = {path for path in (world.folder / "sources").rglob("*") if path.is_file()}
    assert written == listed
    assert all(world.rows[entity.source, entity.name] for entity in ENTITIES)
    assert len(list((world.folder / "sources" / "shop").glob("order_lines*"))) == 366
    assert len(world.truth("purchases_truth")) == CUSTOMERS
