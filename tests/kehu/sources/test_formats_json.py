from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.types.json import set_json_loads

from kehu.sources.formats import FormatError, read_json_lines, to_time
from kehu.warehouse.landing import copy_rows, ensure_record_table, parts_of, record_id

UTC = dt.timezone.utc
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def refused(function, *arguments) -> tuple[str, int | None]:
    with pytest.raises(FormatError) as caught:
        function(*arguments)
    return caught.value.reason, caught.value.row


def lines(content: str | bytes, key=("id",), changed_at=None, deleted=None, encoding="utf-8") -> list[dict]:
    content = content.encode() if isinstance(content, str) else content
    return read_json_lines(content, key, changed_at, deleted, encoding).to_pylist()


def line(text: str, **options) -> dict:
    (row,) = lines(text + "\n", **options)
    return row


class TestJsonLines:
    def test_a_record_with_its_id_its_time_and_its_text(self):
        text = '{"id": 7, "at": "2024-01-01T10:00:00.123456+08:00", "gone": false, "n": 1.10}'
        assert line(text, changed_at="at", deleted="gone") == {
            "_record_id": "7",
            "_is_deleted": False,
            "_changed_at": "2024-01-01T02:00:00.123456+00:00",
            "_fault": None,
            "record": text,
            "_unread": None,
        }

    @pytest.mark.parametrize(
        "text",
        ["", " ", "{", "[1]", "7", "null", '{"id":1,"x":NaN}', '{"id":1,"x":"\\ud800"}', '{"id":1,"x":"\\u0000"}',
         '{"id":1,"x":"\\\\\\u0000"}', '{"id":1,"x":1e-16384}', '{"id":1,"x":1e999}', "{'id':1}", '{"id":1}}'],
    )  # fmt: skip
    def test_what_is_no_record_is_kept_as_it_came(self, text):
        row = line(text)
        assert (row["_fault"], row["_unread"], row["record"], row["_record_id"]) == ("not_json", text, None, None)

    @pytest.mark.parametrize(
        "text",
        ['{"id":1,"x":"\\\\u0000"}', '{"id":1,"x":"\\ud83d\\ude00"}', '{"id":1,"x":"9a5e-03051823c301"}',
         '{"id":1,"x":1e-300}', '{"id":1,"x":12345678901234567890123}', '{"id":1,"x":"\u2028\u0085"}'],
    )  # fmt: skip
    def test_what_only_looks_like_it_is_a_record(self, text):
        row = line(text)
        assert (row["_fault"], row["record"], row["_record_id"]) == (None, text, "1")

    @pytest.mark.parametrize(
        ("text", "key", "wanted"),
        [
            ('{"id":"a b"}', ("id",), "a b"),
            ('{"id":12345678901234567890123}', ("id",), "12345678901234567890123"),
            ('{"id":12345678901234567890124}', ("id",), "12345678901234567890124"),
            ('{"id":0}', ("id",), "0"),
            ('{"a":"x","b":1}', ("a", "b"), "x|1"),
            ('{"a":"x|y","b":"z"}', ("a", "b"), "x\\|y|z"),
            ('{"a":"x","b":"y|z"}', ("a", "b"), "x|y\\|z"),
            ('{"a":"x\\\\","b":"y"}', ("a", "b"), "x\\\\|y"),
        ],
    )
    def test_keys(self, text, key, wanted):
        assert line(text, key=key)["_record_id"] == wanted

    @pytest.mark.parametrize("text", ["{}", '{"id":null}', '{"id":""}', '{"id":{}}', '{"id":[1]}', '{"Id":1}'])
    def test_no_key(self, text):
        row = line(text)
        assert (row["_record_id"], row["_fault"], row["record"]) == (None, "no_key", text)
        assert line('{"a":1}', key=("a", "b"))["_fault"] == "no_key"

    def test_without_a_configured_key_there_is_no_id(self):
        assert line('{"a":1}', key=()) == {
            "_record_id": None, "_is_deleted": False, "_changed_at": None, "_fault": None, "record": '{"a":1}',
            "_unread": None,
        }  # fmt: skip

    @pytest.mark.parametrize("at", ['"yesterday"', "true", "null", '""', "1e300", "{}", '"2024-13-01"', "-1e20"])
    def test_a_bad_time(self, at):
        row = line(f'{{"id":1,"at":{at}}}', changed_at="at")
        assert (row["_fault"], row["_changed_at"], row["_record_id"]) == ("no_time", None, "1")

    def test_a_deletion_needs_no_time(self):
        row = line('{"id":1,"gone":1}', changed_at="at", deleted="gone")
        assert (row["_fault"], row["_is_deleted"]) == (None, True)

    @pytest.mark.parametrize(
        ("flag", "wanted"),
        [("true", True), ("false", False), ("null", False), ("1", True), ("0", False), ('"false"', False),
         ('"False"', False), ('"0"', False), ('"true"', True), ('"2024-01-01"', True), ('""', False)],
    )  # fmt: skip
    def test_deletion_flags(self, flag, wanted):
        assert line(f'{{"id":1,"gone":{flag}}}', deleted="gone")["_is_deleted"] is wanted

    def test_marks_line_ends_and_other_encodings(self):
        text = '\ufeff{"id":"é"}\r\n{"id":2}\r\n'
        for encoding in ("utf-8", "utf-16-le"):
            assert [row["record"] for row in lines(text.encode(encoding), encoding=encoding)] == [
                '{"id":"é"}',
                '{"id":2}',
            ]
        assert lines("") == []
        assert [row["_fault"] for row in lines('{"id":1}\n\n{"id":2}\n')] == [None, "not_json", None]

    def test_files_that_are_refused(self):
        end = "the file is truncated: its last line has no end"
        assert refused(lines, '{"id":1}\n{"id":2}') == (end, 2)
        assert refused(lines, '{"id":1}\n{"id":') == (end, 2)
        assert refused(lines, b'{"id":1}\n{"id":"\xff"}\n') == (
            "bytes that are not UTF-8: another encoding or a damaged file",
            2,
        )
        assert refused(lines, b'{"id":1}\n\x00\n') == ("a NUL byte: a damaged or binary file", 2)

    def test_more_lines_than_are_read_at_once_keep_their_order(self):
        rows = lines("".join(f'{{"id":{number}}}\n' for number in range(120_001)))
        assert [row["_record_id"] for row in rows] == [str(number) for number in range(120_001)]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (0, dt.datetime(1970, 1, 1, tzinfo=UTC)),
        (-1, dt.datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
        (1704067200123, dt.datetime(2024, 1, 1, 0, 0, 0, 123000, tzinfo=UTC)),
        (1704067200123.0, dt.datetime(2024, 1, 1, 0, 0, 0, 123000, tzinfo=UTC)),
        ("1704067200123", dt.datetime(2024, 1, 1, 0, 0, 0, 123000, tzinfo=UTC)),
        ("2024-01-01", dt.datetime(2024, 1, 1, tzinfo=UTC)),
        ("20240101", dt.datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-01-01 08:00:00+08:00", dt.datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-01-01T00:00:00Z", dt.datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-01-01T00:00:30+00:00:30.5", dt.datetime(2023, 12, 31, 23, 59, 59, 500000, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        (True, None),
        (None, None),
        (10**400, None),
        ("²³²³²³²³²³", None),
    ],
)
def test_points_in_time(value, wanted):
    assert to_time(value) == wanted


@given(
    st.lists(st.text("ab|\\\n", max_size=4), min_size=2, max_size=4),
    st.lists(st.text("ab|\\\n", max_size=4), min_size=2, max_size=4),
)
def test_keys_of_several_parts_never_meet_and_come_apart_again(one, other):
    assert parts_of(record_id(one), len(one)) == one
    if len(one) == len(other):
        assert (record_id(one) == record_id(other)) is (one == other)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**25), 10**25) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@pytest.fixture
def records(url):
    with psycopg.connect(url) as connection:
        set_json_loads(lambda text: json.loads(text, parse_float=Decimal), connection)
        ensure_record_table(connection, "raw_test", "records")
        yield connection


@SLOW
@given(st.lists(st.dictionaries(NAMES, JSON, max_size=4), max_size=5))
def test_json_objects_land_unchanged(records, objects):
    content = "".join(json.dumps(one, ensure_ascii=number % 2 == 0) + "\n" for number, one in enumerate(objects))
    rows = read_json_lines(content.encode(), (), None, None)
    positions = pa.array(range(len(objects)), pa.int64())
    rows = rows.add_column(0, "_row_number", positions).add_column(0, "_load_id", positions)
    table = sql.Identifier("raw_test", "records")
    records.execute(sql.SQL("truncate {}").format(table))
    copy_rows(records, table, rows.column_names, rows)
    found = records.execute(sql.SQL("select record, _fault from {} order by _row_number").format(table)).fetchall()
    wanted = [json.loads(json.dumps(one), parse_float=Decimal) for one in objects]
    assert found == [(one, None) for one in wanted]
