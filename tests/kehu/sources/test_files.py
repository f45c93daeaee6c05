from __future__ import annotations

from datetime import datetime, timedelta, timezone

import psycopg
import pytest

from kehu.sources.contract import SourceError
from kehu.sources.files import FilesSource
from kehu.sources.files_settings import FilesSettings
from kehu.warehouse.runs import open_night
from tests.kehu.sources.folders import CSV, DAY, DEALS, JSONL, PARQUET, UNDATED, VISITS, Folder, as_parquet, query


@pytest.fixture
def folder(url, tmp_path) -> Folder:
    return Folder(url, tmp_path)


class TestFormats:
    @pytest.mark.parametrize("packing", ["", ".gz"])
    def test_csv(self, folder, packing):
        folder.write(f"lines_2024-01-01.csv{packing}", 'a,"b ""c"""\n007,"x\ny"\n,é\n')
        assert folder.ingest(CSV) == 2
        assert folder.rows('_row_number, a, "b ""c"""') == [(1, "007", "x\ny"), (2, None, "é")]
        assert folder.ledger() == [(f"lines_2024-01-01.csv{packing}", 0, 0, 2)]
        assert folder.ingest(CSV) == 0

    @pytest.mark.parametrize("packing", ["", ".gz"])
    def test_json_lines(self, folder, packing):
        folder.write(f"deals_2024-01-01.jsonl{packing}", DEALS)
        assert folder.ingest(JSONL) == 4
        at = datetime(2024, 1, 1, tzinfo=timezone.utc)
        columns = "_row_number, _record_id, _is_deleted, _changed_at, _fault, record ->> 'v', _unread"
        assert folder.rows(columns) == [
            (1, "1", False, at, None, "1.10", None),
            (2, "2", True, at, None, None, None),
            (3, "3", False, None, "no_time", None, None),
            (4, None, False, None, "not_json", None, "x"),
        ]

    def test_parquet(self, folder):
        folder.write("visits_2024-01-01.parquet", VISITS)
        folder.write("visits_2024-01-02.parquet.gz", as_parquet(id=["3"], at=["x"], ok=["y"]))
        assert folder.ingest(PARQUET, 1) == 3
        assert folder.rows("id, at, ok") == [
            ("1", "2024-01-01T00:00:00.000Z", "true"),
            ("2", None, None),
            ("3", "x", "y"),
        ]

    @pytest.mark.parametrize(
        ("entity", "name", "content", "reason"),
        [
            (PARQUET, "visits_2024-01-01.parquet", VISITS[:-9], "not readable as Parquet: damaged or truncated"),
            (JSONL, "deals_2024-01-01.jsonl", DEALS[:-1], "row 4: the file is truncated"),
            (CSV, "lines_2024-01-01.csv", 'a,b\n1,"5ECRET\n', "row 1: a quoted field has no end"),
            (CSV, "lines_2024-01-01.csv", "a,ctid\n1,5ECRET\n", "row 0: the name of column 2 is one"),
        ],
    )
    def test_a_broken_file_lands_nothing_and_those_before_it_are_kept(self, folder, entity, name, content, reason):
        folder.write(name, content)
        with pytest.raises(SourceError, match=f"^src: {name}.*{reason}") as caught:
            folder.ingest(entity)
        assert "5ECRET" not in str(caught.value)
        assert folder.ledger() == []

    def test_what_postgresql_cannot_store_is_named_by_file_and_row(self, folder, monkeypatch):
        monkeypatch.setattr("kehu.sources.formats._has_tiny_number", lambda line: False)
        folder.write("deals_2024-01-01.jsonl", '{"id":1,"at":1}\n{"id":2,"at":1}\n')
        folder.write("deals_2024-01-02.jsonl", '{"id":1,"at":2}\n{"id":2,"at":2,"5ECRET":1e-99999}\n')
        reason = r"^src: deals_2024-01-02.jsonl, row 2: a value that PostgreSQL cannot store \(22003\)$"
        with pytest.raises(SourceError, match=reason):
            folder.ingest(JSONL, 1)
        assert folder.ledger() == []


class TestColumns:
    CONTRACT = CSV | {"columns": ["a", "b"]}

    def test_an_added_column_lands_and_older_rows_have_none(self, folder):
        folder.write("lines_2024-01-01.csv", "a,b\n1,2\n")
        folder.ingest(self.CONTRACT)
        folder.write("lines_2024-01-02.csv", "a,New one,b\n3,x,4\n")
        folder.write("lines_2024-01-03.csv", "a,b\n5,6\n")
        folder.ingest(self.CONTRACT, 2)
        assert folder.rows('a, b, "New one"') == [("1", "2", None), ("3", "4", "x"), ("5", "6", None)]

    @pytest.mark.parametrize(
        ("header", "reason"),
        [
            ("a", "the header changed: missing b"),
            ("a,B", "the header changed: missing b; 1 unknown"),
        ],
    )
    def test_what_breaks_the_contract(self, folder, header, reason):
        folder.write("lines_2024-01-01.csv", f"{header}\n" + ",".join("1" for _ in header.split(",")) + "\n")
        with pytest.raises(SourceError, match=f"^src: lines_2024-01-01.csv, row 0: {reason}"):
            folder.ingest(self.CONTRACT)

    def test_the_order_of_columns_does_not_matter(self, folder):
        folder.write("lines_2024-01-01.csv", "a,b\n1,2\n")
        folder.write("lines_2024-01-02.csv", "b,x,a\n4,y,3\n")
        folder.ingest(self.CONTRACT, 1)
        assert folder.rows("a, b, x") == [("1", "2", None), ("3", "4", "y")]

    def test_lines_that_cannot_be_read_land_without_a_value(self, folder):
        good = [f'"{n}","x"\n' for n in range(1, 41)]
        folder.write("lines_2024-01-01.csv", "".join(["a,b\n", *good[:6], '"7,"x"\n', *good[7:]]))
        folder.write("lines_2024-01-02.csv", "".join(["a,b\n", *good]))
        assert folder.ingest(self.CONTRACT, 1) == 80
        assert folder.rows("_row_number, a, b")[5:8] == [(6, "6", "x"), (7, None, None), (8, "8", "x")]
        assert query(folder.url, "select unread_rows from ops.loads order by load_id") == [([7],), (None,)]
        folder.write("lines_2024-01-03.csv", "".join(["a,b\n", *good[:6], *['"7,"x"\n'] * 8]))
        with pytest.raises(SourceError, match=r"^src: lines_2024-01-03.csv, row 7: .*broken quoting$"):
            folder.ingest(self.CONTRACT, 2)

    def test_an_added_column_may_be_refused(self, folder):
        folder.write("lines_2024-01-01.csv", "a,b,5ECRET\n1,2,3\n")
        with pytest.raises(SourceError, match="row 0: the header changed: 1 unknown$"):
            folder.ingest(self.CONTRACT | {"on_added_columns": "refuse"})

    def test_without_a_contract_columns_come_and_go(self, folder):
        folder.write("lines_2024-01-01.csv", "a,b\n1,2\n")
        folder.write("lines_2024-01-02.csv", "c\n3\n")
        folder.ingest(CSV, 1)
        assert folder.rows("a, b, c") == [("1", "2", None), (None, None, "3")]


class TestVersions:
    def test_undated_files_are_known_by_name_and_lie_with_their_night(self, folder):
        folder.write("cities_a.csv", "n\nRome\n")
        folder.write("cities_b.csv", "n\nOslo\n")
        assert folder.ingest(UNDATED, 3) == 2
        folder.write("cities_a.csv", "n\nRoma\nBari\n")
        assert folder.ingest(UNDATED, 4) == 2
        folder.write("cities_a.csv", "n\nRome\n")
        assert folder.ingest(UNDATED, 5) == 1
        assert folder.ingest(UNDATED, 6) == 0
        assert folder.ledger() == [
            ("cities_a.csv", None, 3, 1),
            ("cities_b.csv", None, 3, 1),
            ("cities_a.csv", None, 4, 2),
            ("cities_a.csv", None, 5, 1),
        ]

    @pytest.mark.parametrize(("entity", "name"), [(UNDATED, "cities.csv"), (CSV, "lines_2024-01-01.csv")])
    def test_a_file_that_is_packed_later_is_the_same(self, folder, entity, name):
        folder.write(name, "n\nRome\n")
        folder.ingest(entity)
        (folder.folder / name).rename(folder.folder / "other")
        folder.write(f"{name}.gz", "n\nRome\n")
        assert folder.ingest(entity) == 0
        folder.write(f"{name}.gz", "n\nRoma\n")
        assert folder.ingest(entity) == 1
        folder.write(name, "n\nRome\n")
        with pytest.raises(SourceError, match="tells of the same"):
            folder.ingest(entity)

    def test_files_after_the_night_wait_and_dated_ones_lie_with_their_day(self, folder):
        for day in (1, 2, 4):
            folder.write(f"lines_2024-01-0{day}.csv", f"a\n{day}\n")
        assert folder.ingest(CSV, 2) == 2
        assert folder.ledger() == [("lines_2024-01-01.csv", 0, 0, 1), ("lines_2024-01-02.csv", 1, 1, 1)]
        assert folder.ingest(CSV, 3) == 1

    def test_the_same_rows_for_another_day_are_refused_until_the_first_is_corrected(self, folder):
        daily = CSV | {"every_day": True}
        folder.write("lines_2024-01-01.csv", "a\n1\n")
        folder.write("lines_2024-01-02.csv", "a\n2\n")
        folder.ingest(daily, 1)
        folder.write("lines_2024-01-02.csv", "a\n1\n")
        with pytest.raises(SourceError, match="lines_2024-01-02.csv: a duplicate: .* the file of 2024-01-01"):
            folder.ingest(daily, 1)
        folder.write("lines_2024-01-01.csv", "a\n0\n")
        assert folder.ingest(daily, 1) == 2

    def test_where_days_may_be_missing_the_same_rows_may_come_again(self, folder):
        for day in (1, 3):
            folder.write(f"lines_2024-01-0{day}.csv", "a\n1\n")
        assert folder.ingest(CSV, 2) == 2

    def test_files_without_rows_are_no_duplicates(self, folder):
        for day in (1, 2):
            folder.write(f"lines_2024-01-0{day}.csv", "a\n")
        assert folder.ingest(CSV, 1) == 0
        assert [row[3] for row in folder.ledger()] == [0, 0]
        assert folder.ingest(CSV, 1) == 0
        assert len(folder.ledger()) == 2

    def test_a_server_with_another_way_to_write_dates_knows_its_days(self, folder):
        name = query(folder.url, "select current_database()")[0][0]
        with psycopg.connect(folder.url, autocommit=True) as connection:
            connection.execute(f"alter database {name} set datestyle to 'German'")
        folder.write("lines_2024-01-01.csv", "a\n1\n")
        daily = CSV | {"every_day": True}
        assert [folder.ingest(daily), folder.ingest(daily)] == [1, 0]

    def test_a_missing_day_is_named_by_its_own_pattern(self, folder):
        daily = CSV | {"every_day": True}
        entities = {"other": UNDATED, "e": daily}
        folder.write("lines_2024-01-03.csv", "a\n1\n")
        settings = FilesSettings.model_validate({"location": str(folder.folder), "entities": entities})
        with pytest.raises(SourceError, match="^src: lines_2024-01-02.csv: the file is missing$"):
            FilesSource("src", settings).ingest(folder.url, "e", open_night(folder.url, DAY + timedelta(days=1), "t"))
        assert folder.ingest(daily, 2) == 1
        (folder.folder / "lines_2024-01-03.csv").rename(folder.folder / "lines_2024-01-05.csv")
        with pytest.raises(SourceError, match="^src: lines_2024-01-04.csv: the file is missing$"):
            folder.ingest(daily, 3)

    def test_no_file_a_bad_date_and_a_folder_named_like_a_file(self, folder):
        (folder.folder / "lines_2024-01-01.csv").mkdir()
        with pytest.raises(SourceError, match=r"^src: e: no file named lines_\{date\}.csv\[.gz\] is there$"):
            folder.ingest(CSV)
        folder.write("lines_2024-02-30.csv", "a\n1\n")
        with pytest.raises(SourceError, match=r"^src: lines_2024-02-30.csv: 2024-02-30 is not a date$"):
            folder.ingest(CSV)
