from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from kehu.sources.formats import BrokenRows, FormatError, read_broken_csv, read_csv, read_parquet

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

    @pytest.mark.parametrize(
        ("broken", "width"),
        [
            ('"13,"x","y"', 1),  # a quote too few
            ('"13","x","y', 1),
            ('"13","x"', 1),  # a field too few
            ('"13","x","y","z"', 1),
            ('"13","x\ny","z', 2),  # its second line has no row of its own either
        ],
    )
    def test_a_broken_line_costs_itself_and_no_other(self, broken, width):
        good = [f'"{n}","line one\r\nline ""two""",{n}.5' if n % 3 else f"{n},,x" for n in range(100)]
        content = "\n".join(["a,b,c", *good[:13], broken, *good[14:]]) + "\n"
        with pytest.raises(BrokenRows):
            read_csv(content.encode())
        sound = rows_of(read_csv("".join(f"{line}\n" for line in ["a,b,c", *good]).encode()))
        nothing = [(None, None, None)] * width
        assert rows_of(read_broken_csv(content.encode())) == sound[:13] + nothing + sound[14:]

    def test_a_file_with_many_broken_lines_is_not_trusted(self):
        good, bad = "".join(f'"{n}","x"\n' for n in range(90)), '"1,"x"\n'
        assert read_broken_csv(f"a,b\n{good}{bad * 10}".encode()).num_rows == 100
        assert read_broken_csv(f"a,b\n{good}{bad * 11}".encode()) is None

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
