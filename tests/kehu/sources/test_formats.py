from __future__ import annotations

import csv
import datetime as dt
import io
import json
from decimal import Decimal

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.types.json import set_json_loads
from pyarrow import parquet

from kehu.sources.formats import FormatError, read_csv, read_json_lines, read_parquet, to_time
from kehu.warehouse.landing import copy_rows, ensure_record_table, parts_of, record_id

UTC = dt.timezone.utc
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

CELLS = st.text(
    st.one_of(st.sampled_from("\",;\t|\r\n\\ 'aN0"), st.characters(codec="utf-8", exclude_characters="\x00")),
    max_size=8,
)


def rows_of(table: pa.Table) -> list[tuple]:
    return list(zip(*table.to_pydict().values(), strict=True))


def refused(function, *arguments) -> tuple[str, int | None]:
    with pytest.raises(FormatError) as caught:
        function(*arguments)
    return caught.value.reason, caught.value.row


class TestCsv:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-32"])
    def test_other_encodings(self, encoding):
        text = "名称,city\n某某有限公司,北京\n€é,\n"
        assert rows_of(read_csv(text.encode(encoding), encoding)) == [("某某有限公司", "北京"), ("€é", None)]

    def test_latin_1(self):
        table = read_csv("naïve;b\ncafé;ÿ\n".encode("latin-1"), "latin-1", ";")
        assert table.to_pydict() == {"naïve": ["café"], "b": ["ÿ"]}

    @pytest.mark.parametrize("separator", [";", "\t", "|", ","])
    def test_separators(self, separator):
        content = separator.join(["a", "b"]) + "\n" + separator.join(["1", '"x' + separator + 'y"']) + "\n"
        assert rows_of(read_csv(content.encode(), separator=separator)) == [("1", f"x{separator}y")]

    def test_another_quote(self):
        assert rows_of(read_csv(b"a,b\n'it''s, \"so\"',2\n", quote="'")) == [('it\'s, "so"', "2")]

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_line_ends_marks_quotes_and_nothing_is_guessed(self, end, mark):
        lines = ["a,b,c", '007,"say ""hi""","two\nlines"', "NA,null,true", ' x ,1e5,""', ",,2024-01-01"]
        assert rows_of(read_csv((mark + end.join(lines) + end).encode())) == [
            ("007", 'say "hi"', "two\nlines"),
            ("NA", "null", "true"),
            (" x ", "1e5", None),
            (None, None, "2024-01-01"),
        ]

    def test_header_only_and_blank_lines(self):
        table = read_csv(b"a,b\n")
        assert (table.column_names, table.num_rows) == (["a", "b"], 0)
        assert rows_of(read_csv(b"\n\na,b\n\n1,2\n\n")) == [("1", "2")]
        assert table.schema.types == [pa.string(), pa.string()]

    def test_a_header_with_a_line_end_in_quotes(self):
        table = read_csv(b'"first\r\nname","a ""b""",c\n007,2,3\n')
        assert table.to_pydict() == {"first\r\nname": ["007"], 'a "b"': ["2"], "c": ["3"]}

    def test_a_header_longer_than_a_block(self):
        header = [f"column_{number:05}_" + "x" * 45 for number in range(1400)]
        table = read_csv((",".join(header) + "\n" + ",".join(["007"] * 1400) + "\n").encode())
        assert table.column_names == header
        assert set(rows_of(table)[0]) == {"007"}

    def test_a_broken_row_deep_in_a_file_of_several_blocks(self):
        good = b'%d,"line one\nline two",' + b"x" * 60 + b"\n"
        lines = [good % number for number in range(1, 100_001)]
        content = b"id,note,c\n" + b"".join(lines)
        assert len(content) > 2 * (1 << 22)
        assert read_csv(content).num_rows == 100_000
        lines[87_654 - 1] = b'87654,"line one\nline two"\n'
        assert refused(read_csv, b"id,note,c\n" + b"".join(lines)) == (
            "2 fields instead of 3: truncated or broken quoting",
            87_654,
        )

    def test_a_row_longer_than_a_block(self):
        long = "x" * (5 << 20)
        assert rows_of(read_csv(f"a,b\n1,{long}\n2,y\n".encode())) == [("1", long), ("2", "y")]

    def test_an_open_quote_swallows_nothing_in_silence(self):
        reason = "a quoted field has no end: truncated or broken quoting"
        assert refused(read_csv, b'a,b\n1,2\n3,"4\n5,6\n') == (reason, 2)
        assert refused(read_csv, b'a\n1\n"2\n3\n') == (reason, 2)
        assert rows_of(read_csv(b'a,b\n1,"ends with a line end\n"\n')) == [("1", "ends with a line end\n")]

    @pytest.mark.parametrize(
        ("content", "reason", "row"),
        [
            (b"", "the file is empty", None),
            (b"\xef\xbb\xbf", "the file is empty", None),
            (b"\n \n", "the file is empty", None),
            (b"a,b,a\n1,2,3\n", "names a column twice", 0),
            (b"a,,c\n1,2,3\n", "column 2 has no name", 0),
            (b"a," + b"n" * 64 + b"\n1,2\n", "column 2 is longer than 63 bytes", 0),
            (b"a,_load_id\n1,2\n", "column 2 is one that the warehouse needs", 0),
            (b"xmin,b\n1,2\n", "column 1 is one that the warehouse needs", 0),
            (b",".join(b"c%d" % n for n in range(1501)) + b"\n", "1501 columns", 0),
            (b"a,b\n1,2", "its last line has no end", 1),
            (b"a,b", "its last line has no end", 0),
            (b'a,b\n"x\ny\n\nz",2\n\n3,4', "its last line has no end", 2),
            (b'a,b\n"x\ny",2\n3,\xff\n', "bytes that are not UTF-8", 2),
            (b"a,b\n3,\xe4\xb8", "truncated within a character", 1),
            (b'a,b\n"x\ny",2\n3,\x00\n', "a NUL byte", 2),
            (b"a,b\n1,2\n3\n", "1 fields instead of 2", 2),
            (b"a,b\n1,2\n\n3,4,5\n", "3 fields instead of 2", 2),
        ],
    )
    def test_what_is_refused_with_its_row(self, content, reason, row):
        told, at = refused(read_csv, content)
        assert reason in told
        assert at == row

    @pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
    def test_truncated_within_a_character(self, encoding):
        content = "a,b\n1,某\n2,某".encode(encoding)[:-1]
        assert refused(read_csv, content, encoding) == ("the file is truncated within a character", 2)

    @SLOW
    @given(
        st.integers(1, 4).flatmap(
            lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=8)
        ),
        st.sampled_from([",", ";", "\t", "|"]),
        # With "\n" alone and few quotes, Python 3.11 leaves a carriage return in a cell without quotes.
        st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL)]),
    )
    def test_what_python_writes_is_read_unchanged(self, rows, separator, style):
        stream = io.StringIO(newline="")
        names = [f"c{number}" for number in range(len(rows[0]))]
        csv.writer(stream, delimiter=separator, lineterminator=style[0], quoting=style[1]).writerows([names, *rows])
        wanted = [tuple(cell or None for cell in row) for row in rows]
        assert rows_of(read_csv(stream.getvalue().encode(), separator=separator)) == wanted


def as_parquet(**columns) -> bytes:
    stream = io.BytesIO()
    parquet.write_table(pa.table(columns), stream)
    return stream.getvalue()


def texts(values, kind=None) -> list[str | None]:
    column = values if isinstance(values, pa.Array) else pa.array(values, kind)
    return read_parquet(as_parquet(c=column)).to_pydict()["c"]


MOMENT = dt.datetime(2024, 2, 29, 23, 59, 58, 123456)  # noqa: DTZ001  # a wall-clock time


class TestParquet:
    @pytest.mark.parametrize(
        ("values", "kind", "wanted"),
        [
            ([2**63 - 1, -1, None], pa.int64(), ["9223372036854775807", "-1", None]),
            ([2**64 - 1], pa.uint64(), ["18446744073709551615"]),
            ([Decimal("1.10"), Decimal("-0.00000000001")], pa.decimal128(38, 11), ["1.10000000000", "-0.00000000001"]),
            ([Decimal("12345678901234567890123456789.012345")], pa.decimal256(60, 6), None),
            ([0.1, 1e20, 1e-9, 5.0], pa.float64(), ["0.1", "100000000000000000000", "0.000000001", "5"]),
            ([float("nan"), float("inf")], pa.float64(), ["nan", "inf"]),
            ([True, False, None], pa.bool_(), ["true", "false", None]),
            ([dt.date(2024, 2, 29), dt.date(1, 1, 1)], pa.date32(), ["2024-02-29", "0001-01-01"]),
            ([dt.date(2024, 2, 29)], pa.date64(), ["2024-02-29"]),
            ([dt.time(1, 2, 3, 4)], pa.time64("us"), ["01:02:03.000004"]),
            ([MOMENT, None], pa.timestamp("us"), ["2024-02-29T23:59:58.123456", None]),
            ([MOMENT], pa.timestamp("us", "UTC"), ["2024-02-29T23:59:58.123456Z"]),
            ([1], pa.timestamp("ns"), ["1970-01-01T00:00:00.000000001"]),
            ([1], pa.timestamp("ns", "America/New_York"), ["1970-01-01T00:00:00.000000001Z"]),
            ([1], pa.timestamp("ms"), ["1970-01-01T00:00:00.001"]),
            ([-1], pa.timestamp("us", "UTC"), ["1969-12-31T23:59:59.999999Z"]),
            ([b"\x00\xff", b"", None], pa.binary(), ["00ff", "", None]),
            ([b"\x00\xff"], pa.binary(2), ["00ff"]),
            ([[1, None], [], None], pa.list_(pa.int64()), ["[1,null]", "[]", None]),
            ([None, None], pa.null(), [None, None]),
            (["", "NA", None], pa.string(), ["", "NA", None]),
            (["x"], pa.large_string(), ["x"]),
        ],
    )
    def test_values_become_their_text(self, values, kind, wanted):
        assert texts(values, kind) == (wanted or [str(value) for value in values])

    def test_a_time_with_a_zone_is_told_in_utc(self):
        moments = pa.array([dt.datetime(2024, 1, 1, 8, tzinfo=dt.timezone(dt.timedelta(hours=8)))])
        assert texts(moments.cast(pa.timestamp("us", "Asia/Shanghai"))) == ["2024-01-01T00:00:00.000000Z"]

    def test_dictionaries_structs_and_what_is_in_them(self):
        assert texts(pa.array(["a", None, "a"]).dictionary_encode()) == ["a", None, "a"]
        assert texts(pa.array([Decimal("0E-9")]).dictionary_encode()) == ["0.000000000"]
        (text,) = texts([{"n": Decimal("1.10"), "d": dt.date(2024, 1, 2), "b": b"\xff", "l": ["é"], "t": MOMENT}])
        assert text == '{"n":1.10,"d":"2024-01-02","b":"ff","l":["é"],"t":"2024-02-29T23:59:58.123456"}'

    def test_uuids(self):
        column = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(range(16)), None], pa.binary(16)))
        assert texts(column) == ["000102030405060708090a0b0c0d0e0f", None]

    def test_what_is_refused(self):
        whole = as_parquet(a=pa.array(range(1000)))
        damaged = "the file is not readable as Parquet: damaged or truncated"
        assert refused(read_parquet, b"") == ("the file is empty", None)
        for content in (
            whole[:-1],
            whole[: len(whole) // 2],
            b"PAR1",
            b"a,b\n1,2\n",
            whole[:4] + b"x" * 50 + whole[54:],
        ):
            assert refused(read_parquet, content) == (damaged, None)
        bad = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe"))
        assert refused(read_parquet, as_parquet(a=bad)) == (damaged, None)
        nul = as_parquet(a=pa.array(["x", "y", "a\0b"]))
        assert refused(read_parquet, nul) == ("a NUL byte: a damaged or binary file", 3)
        stream = io.BytesIO()
        parquet.write_table(pa.table([[1], [2]], names=["a", "a"]), stream)
        assert refused(read_parquet, stream.getvalue()) == ("the header names a column twice", 0)
        assert refused(read_parquet, as_parquet()) == ("the file has no columns", 0)


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
