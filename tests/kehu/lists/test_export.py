"""Handing lists out: cells that no spreadsheet takes for a formula, the journal before the file, contact data."""

from __future__ import annotations

import csv
import io

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql
from pyarrow import parquet

from kehu.lists import export as module
from kehu.lists.export import ExportError, export, safe_cell
from kehu.warehouse.runs import open_night
from tests.kehu.lists.worlds import DAY

ATTACKS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0", "＝1+1", "＋1", "－1", "＠x",
    " =1", "\u2003\x0b=1", "﹦1",
    "\u00a0=1", "\u3000＝1", "\ufeff=1", "\u200b=1", '=HYPERLINK("http://x.example","y")', "  \u200b +1",
]  # fmt: skip
HARMLESS = ["", "客户 100 %", "a=b", "O'Neil", "1-2", '"quoted", with comma', "two\r\nlines", "'=already"]
MARTS = """
create table marts.dim_lists (list_id text, priority integer, status text, rule_hash text);
insert into marts.dim_lists values ('call', 1, 'active', 'hash'), ('old', 2, 'retired', 'hash');
create table marts.dim_customers (
    customer_id text, full_name text, phone text, mail text, street text, postcode text, city text, country text,
    credit_rating text
);
create table pii.dim_customers (like marts.dim_customers);
grant select on pii.dim_customers to contact_exporter;
create table marts.fct_list_members (
    list_key text, list_id text, list_version integer, customer_id text, occasion text, valid_from date,
    is_current boolean, valid_until date, priority integer, list_position integer, channel text, reason_en text,
    reason_zh text, talking_points_en text, talking_points_zh text, expected_gain numeric(16, 2), cost numeric(12, 2),
    features text, model_version text
);
insert into marts.dim_customers (customer_id) values ('a'), ('b');
insert into pii.dim_customers values
    ('a', '=1+1', '+4420', 'a@example.org', 's', 'p', 'c', 'UK', 'AAA'),
    ('b', '李雷', '+8613', 'b@example.org', 's', 'p', 'c', 'CN', 'AAA');
insert into marts.fct_list_members
select 'K' || c.id, 'call', 1, c.id, 'o', '2024-06-01', c.is_current, '2024-07-01', 1, c.place, c.channel, c.reason,
    '原因', 'points', '要点', 12.5, 0, '{"score": 1}', 'value v1'
from (values ('a', true, 2, 'phone', '=1+1'), ('b', true, 1, 'mail', 'plain'), ('c', false, null, 'mail', 'gone'))
    as c (id, is_current, place, channel, reason);
"""


@pytest.fixture
def published(url):
    night = open_night(url, DAY, "test")
    with psycopg.connect(url) as connection:
        connection.execute(MARTS)
        connection.execute("update store.current set run_id = %s", [night.run_id])
    return url


def rows(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def read_csv(path):
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_spreadsheet_takes_for_a_formula_gets_an_apostrophe(attack):
    assert safe_cell(attack) == "'" + attack


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_and_other_values_stay_as_they_are(text):
    assert safe_cell(text) == text
    assert safe_cell(-12) == -12
    assert safe_cell(None) is None


@given(st.text())
def test_no_cell_begins_like_a_formula_and_nothing_of_it_is_lost(text):
    cell = safe_cell(text)
    assert cell in (text, "'" + text)
    assert not cell.lstrip(" \u00a0\u3000\ufeff").startswith(tuple("=+-@\t\r\n＝＋－＠"))


def test_a_csv_file_is_safe_chinese_and_in_the_order_of_the_list(published, tmp_path):
    done = export(published, "call", tmp_path / "out.csv", "csv", "ann")
    assert (done.count_rows, done.as_of_date) == (2, DAY)
    content = (tmp_path / "out.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    told = read_csv(tmp_path / "out.csv")
    assert [row["customer_id"] for row in told] == ["b", "a"]
    assert [row["reason_en"] for row in told] == ["plain", "'=1+1"]
    assert told[0]["reason_zh"] == "原因"
    assert told[0]["expected_gain"] == "12.50"


def test_a_parquet_file_holds_the_values_with_their_types(published, tmp_path):
    export(published, "call", tmp_path / "out.parquet", "parquet", "ann", has_contact_data=True)
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table.column("reason_en").to_pylist() == ["plain", "=1+1"]
    assert [str(table.schema.field(name).type) for name in ("valid_until", "list_position", "expected_gain")] == [
        "date32[day]", "int32", "decimal128(16, 2)",
    ]  # fmt: skip
    assert table.column("phone").to_pylist() == [None, "+4420"]


def test_contact_data_comes_only_when_asked_for_and_only_what_the_way_needs(published, tmp_path):
    export(published, "call", tmp_path / "plain.csv", "csv", "ann")
    assert set(read_csv(tmp_path / "plain.csv")[0]) == set(module.COLUMNS)
    export(published, "call", tmp_path / "full.csv", "csv", "ann", has_contact_data=True)
    b, a = read_csv(tmp_path / "full.csv")
    assert (a["full_name"], a["phone"], a["mail"], a["street"]) == ("'=1+1", "'+4420", "", "")
    assert (b["full_name"], b["phone"], b["mail"], b["street"]) == ("李雷", "", "b@example.org", "")
    assert rows(published, "select has_contact_data, exported_by from ops.exports order by export_id") == [
        (False, "ann"), (True, "ann"),
    ]  # fmt: skip


def test_contact_data_needs_its_role(published, server_url, tmp_path):
    """A role that may do all else is refused; with the role it is not."""
    with psycopg.connect(published, autocommit=True) as connection:
        connection.execute("drop role if exists list_clerk")
        connection.execute("create role list_clerk login password 'clerk'")
        connection.execute("grant usage on schema marts, ops to list_clerk")
        connection.execute("grant select on all tables in schema marts to list_clerk")
        connection.execute("grant select on ops.published_run to list_clerk")
        connection.execute("grant select, insert on ops.exports, ops.decision_journal to list_clerk")
    info = psycopg.conninfo.conninfo_to_dict(published)
    clerk = psycopg.conninfo.make_conninfo(**{**info, "user": "list_clerk", "password": "clerk"})
    try:
        assert export(clerk, "call", tmp_path / "plain.csv", "csv", "clerk").count_rows == 2
        with pytest.raises(ExportError, match="members of the role contact_exporter only"):
            export(clerk, "call", tmp_path / "full.csv", "csv", "clerk", has_contact_data=True)
        assert not (tmp_path / "full.csv").exists()
        with psycopg.connect(published, autocommit=True) as connection:
            connection.execute("grant contact_exporter to list_clerk")
        assert export(clerk, "call", tmp_path / "full.csv", "csv", "clerk", has_contact_data=True).count_rows == 2
    finally:
        with psycopg.connect(published, autocommit=True) as connection:
            connection.execute("drop owned by list_clerk")
            connection.execute("drop role list_clerk")


def test_each_row_stands_in_the_journal_before_its_file_appears(published, tmp_path, monkeypatch):
    """Where the file appears the journal is committed; where the journal fails no file is left, not even a part."""
    path, seen = tmp_path / "out.csv", []
    query = """
        select list_key, list_version, rule_hash, as_of_date, features, model_version, reason
        from ops.decision_journal order by list_key
    """
    monkeypatch.setattr(module.Path, "replace", lambda part, to: seen.extend(rows(published, query)))
    export(published, "call", path, "csv", "ann")
    assert seen == [
        ("Ka", 1, "hash", DAY, {"score": 1}, "value v1", "=1+1"),
        ("Kb", 1, "hash", DAY, {"score": 1}, "value v1", "plain"),
    ]
    monkeypatch.undo()
    for file in tmp_path.iterdir():
        file.unlink()
    with psycopg.connect(published) as connection:
        connection.execute("alter table ops.decision_journal add constraint broken check (reason <> 'plain') not valid")
    with pytest.raises(psycopg.errors.CheckViolation):
        export(published, "call", path, "csv", "ann")
    assert list(tmp_path.iterdir()) == []
    assert len(rows(published, "select 1 from ops.exports")) == 1


def test_an_existing_file_is_replaced_at_once_and_is_its_owner_s_alone(published, tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    export(published, "call", path, "csv", "ann")
    assert len(read_csv(path)) == 2
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_handing_out_the_same_night_again_adds_an_export_with_the_same_keys(published, tmp_path):
    for _ in range(2):
        export(published, "call", tmp_path / "out.csv", "csv", "ann")
    query = "select array_agg(list_key order by list_key) from ops.decision_journal group by export_id"
    assert rows(published, query) == [(["Ka", "Kb"],)] * 2


def test_what_cannot_be_handed_out_is_said_in_one_line(published, url, tmp_path):
    with pytest.raises(ExportError, match="there is no list nope; there are: call"):
        export(published, "nope", tmp_path / "x.csv", "csv", "ann")
    with pytest.raises(ExportError, match="there is no list old"):
        export(published, "old", tmp_path / "x.csv", "csv", "ann")
    with pytest.raises(ExportError, match="No such file or directory"):
        export(published, "call", tmp_path / "none" / "x.csv", "csv", "ann")
    assert rows(published, "select count(*) from ops.exports") == [(0,)]
    with psycopg.connect(url) as connection:
        connection.execute("update store.current set run_id = null")
    with pytest.raises(ExportError, match="no night is published yet"):
        export(url, "call", tmp_path / "x.csv", "csv", "ann")


def test_nothing_but_the_marts_and_the_books_is_read(published, tmp_path):
    """Without rights on any other schema the export works."""
    text = "".join(value for value in vars(module).values() if isinstance(value, str) and "select" in value)
    assert "history." not in text
    with psycopg.connect(published) as connection:
        for schema in ("history", "intermediate", "identity", "staging", "ml", "ml_features"):
            connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
    assert export(published, "call", tmp_path / "out.csv", "csv", "ann", has_contact_data=True).count_rows == 2
    assert "AAA" not in (tmp_path / "out.csv").read_text()
