"""Attacks by what sources send: file names, headers, values, sizes, archives; landed by the loader as on any night."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile

import psycopg
import pytest

from kehu.sources import files, zoho_bulk
from kehu.sources.contract import SourceError
from kehu.sources.http import Answer, TransientError
from kehu.warehouse.landing import ensure_record_table, table_name
from kehu.warehouse.roles import Role, as_role
from tests.kehu.sources.folders import CSV, DEALS, JSONL, UNDATED, Folder, query

SQL = [
    "'; drop table ops.runs; --",
    "Robert'); drop schema raw_src cascade; --",
    "$$; copy (select 1) to program 'id'; $$",
    '"; drop table ops.loads; --',
    "\\'; select pg_sleep(60); --",
    "%s %(run)s {run_id} {{ run_id }}",
    "1 union select sealed from ops.access_tokens",
]


@pytest.fixture
def folder(url, tmp_path) -> Folder:
    return Folder(as_role(url, Role.LOADER), tmp_path)


def text_of(rows: list[list[str]]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def test_sql_in_values_and_headers_is_text(folder):
    header = ["a", 'b"; drop table ops.runs; --', "c'); select 1; --"]
    folder.write("lines_2024-01-01.csv", text_of([header, *([value] * 3 for value in SQL)]))
    assert folder.ingest(CSV) == len(SQL)
    assert folder.rows('"a"') == [(value,) for value in SQL]
    columns = "select attname from pg_attribute where attrelid = 'raw_src.e'::regclass and attnum > 2 order by attnum"
    assert [name for (name,) in query(folder.url, columns)] == header


def test_sql_in_records_and_their_keys_is_text(folder):
    folder.write("deals_2024-01-01.jsonl", "".join(json.dumps({"id": v, "at": 0, v: v}) + "\n" for v in SQL))
    assert folder.ingest(JSONL) == len(SQL)
    assert folder.rows("_record_id, record ->> _record_id, _fault") == [(value, value, None) for value in SQL]


def test_sql_in_a_files_name_is_a_name(folder):
    names = ["cities'; drop table ops.runs; --.csv", 'cities"$(id)`id`.csv', "cities{run_id}%s.csv"]
    for number, name in enumerate(names):
        folder.write(name, f"a\n{number}\n")
    assert folder.ingest(UNDATED) == 3
    assert sorted(name for (name,) in query(folder.url, "select file_name from ops.loads")) == sorted(names)


@pytest.mark.parametrize("entity", ['x"; drop table ops.runs; --', "a b); select 1", "../../etc/passwd", "ops.runs"])
def test_an_entitys_name_becomes_a_plain_tables_name(url, entity):
    name = table_name(entity)
    assert name.replace("_", "").isalnum()
    with psycopg.connect(as_role(url, Role.LOADER)) as connection:
        ensure_record_table(connection, "raw_src", name)
        # And where a name came through unchanged, it would still be quoted.
        ensure_record_table(connection, "raw_src", entity[:50])
        connection.execute("select count(*) from ops.runs")
    tables = query(url, "select tablename from pg_tables where schemaname = 'raw_src'")
    assert {one for (one,) in tables} == {name, entity[:50]}


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret.csv", "../../secret.csv"])
def test_a_link_is_not_followed(folder, tmp_path, target):
    (tmp_path / "secret.csv").write_text("a\nsecret\n")
    (tmp_path.parent / "secret.csv").write_text("a\nsecret\n")
    (folder.folder / "lines_2024-01-01.csv").symlink_to(target)
    with pytest.raises(SourceError, match="no file named"):
        folder.ingest(CSV)
    assert query(folder.url, "select count(*) from ops.loads") == [(0,)]


@pytest.mark.parametrize("pattern", ["../{date}.csv", "/etc/passwd", "a/../../{date}.csv"])
def test_a_pattern_names_no_other_folder(folder, tmp_path, pattern):
    (tmp_path / "2024-01-01.csv").write_text("a\nsecret\n")
    with pytest.raises(ValueError, match="."):
        folder.ingest(CSV | {"pattern": pattern})


def test_a_compressed_bomb_is_refused_before_it_fills_the_memory(folder, monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 1 << 20)
    bomb = gzip.compress(b"a\n" + b"0" * (1 << 26))
    assert len(bomb) < 1 << 17
    (folder.folder / "lines_2024-01-01.csv.gz").write_bytes(bomb)
    with pytest.raises(SourceError, match="more than 1048576 bytes unpacked"):
        folder.ingest(CSV)
    # And one within another: what is unpacked is data, not an archive.
    (folder.folder / "lines_2024-01-01.csv.gz").write_bytes(gzip.compress(gzip.compress(b"a\n1\n")))
    with pytest.raises(SourceError):
        folder.ingest(CSV)


def archive(members: dict[str, bytes]) -> Answer:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    stream.seek(0)
    return Answer(200, {}, file=stream)


def test_a_zip_bomb_of_a_bulk_job_is_refused(monkeypatch):
    monkeypatch.setattr(zoho_bulk, "MAX_UNPACKED", 1 << 20)
    with pytest.raises(TransientError, match="more than 1048576 bytes unpacked"):
        zoho_bulk._refuse_broken_zip(archive({"rows.csv": b"0" * (1 << 24)}))


@pytest.mark.parametrize("name", ["../../../../tmp/kehu_attack.csv", "/tmp/kehu_attack.csv", "..\\kehu_attack.csv"])
def test_a_member_of_an_archive_is_read_and_never_written_where_it_says(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = archive({name: b"Id,Name\n1,x\n"})
    zoho_bulk._refuse_broken_zip(answer)
    assert list(zoho_bulk._csv_pages(answer.file, {})) == [[{"id": "1", "Name": "x"}]]
    assert not list(tmp_path.iterdir())
    with pytest.raises(TransientError):
        zoho_bulk._refuse_broken_zip(archive({name: b"Id\n", "rows.csv": b"Id\n"}))


@pytest.mark.parametrize(
    ("entity", "name", "content", "reason"),
    [
        (CSV, "lines_2024-01-01.csv", text_of([[f"c{n}" for n in range(2000)]] * 2), "columns"),
        (CSV, "lines_2024-01-01.csv", "a" * 5000 + "\n1\n", "column"),
        (JSONL, "deals_2024-01-01.jsonl", '{"id": "%s", "at": 0}\n', "PostgreSQL cannot store"),
    ],
    ids=["columns", "name", "id"],
)
def test_rows_wider_than_a_table_takes_are_refused_by_their_file(folder, entity, name, content, reason):
    if "%s" in content:
        # Random, so that nothing packs it: an index takes no entry of more than a third of a page.
        content %= "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(9000))
    folder.write(name, content)
    with pytest.raises(SourceError, match=reason) as caught:
        folder.ingest(entity)
    assert len(str(caught.value)) < 300
    assert query(folder.url, "select count(*) from ops.loads") == [(0,)]


def test_a_field_of_many_megabytes_and_a_record_too_deep_hurt_nobody(folder):
    folder.write("lines_2024-01-01.csv", f"a\n{'x' * 30_000_000}\n2\n")
    assert folder.ingest(CSV) == 2
    assert folder.rows("length(a)") == [(30_000_000,), (1,)]
    deep = '{"a":' * 5000 + "1" + "}" * 5000
    folder.write("deals_2024-01-01.jsonl", f"{'[' * 100_000}\n{deep}\n{DEALS}")
    source = folder.source(JSONL)
    source.name = "src2"
    rows = source.files("e")
    assert source._read("e", rows[0], {}).rows.column("_fault").to_pylist()[:2] == ["not_json", "not_json"]
