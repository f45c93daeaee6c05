from __future__ import annotations

import gzip
import shutil
from datetime import date, timedelta

import psycopg
import pytest

from kehu.sources.contract import SourceError
from kehu.warehouse.runs import Night, open_night
from tests.shops import FIRST_DAY

DAY = FIRST_DAY + timedelta(days=3)


def night(url: str, day: date) -> Night:
    return open_night(url, day, "test")


def ingest(url, shop, night):
    return shop.source.ingest(url, "order_lines", night)


def landed(url: str) -> list[tuple]:
    query = """
        select loads.file_name, lines._row_number, "InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate",
            "UnitPrice", "CustomerID", "Country"
        from raw_shop.order_lines as lines inner join ops.loads as loads on lines._load_id = loads.load_id
        order by loads.load_id, _row_number
    """
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def test_lands_every_row_as_it_came_with_its_position(url, shop):
    counts = ingest(url, shop, night(url, shop.last_day))
    expected = [
        (shop.path(day).name, number, *row) for day, rows in shop.rows.items() for number, row in enumerate(rows, 1)
    ]
    assert landed(url) == expected
    assert (counts.rows_in, counts.rows_out) == (len(expected), len(expected))


def test_loads_only_what_is_new_and_not_after_the_night(url, shop):
    ingest(url, shop, night(url, DAY))
    first = len(landed(url))
    assert first == sum(len(rows) for day, rows in shop.rows.items() if day <= DAY)
    counts = ingest(url, shop, night(url, DAY + timedelta(days=1)))
    assert counts.rows_in == len(shop.rows[DAY + timedelta(days=1)])
    assert ingest(url, shop, night(url, DAY + timedelta(days=1))).rows_in == 0


def test_a_corrected_file_is_a_new_version_beside_the_old(url, shop):
    ingest(url, shop, night(url, DAY))
    before = len(landed(url))
    shop.rows[DAY][0][3] = "99"
    shop.write_day(DAY)
    counts = ingest(url, shop, night(url, DAY))
    assert counts.rows_in == len(shop.rows[DAY])
    assert len(landed(url)) == before + len(shop.rows[DAY])


def test_content_that_was_there_before_the_last_version_lands_again(url, shop):
    ingest(url, shop, night(url, DAY))
    good = shop.rows[DAY]
    for rows in ([*good, good[0]], good):
        shop.rows[DAY] = rows
        shop.write_day(DAY)
        assert ingest(url, shop, night(url, DAY)).rows_in == len(rows)


def test_landed_days_need_not_stay_in_the_folder_but_gaps_behind_them_are_found(url, shop):
    ingest(url, shop, night(url, DAY))
    for day in shop.rows:
        if day <= DAY or day == DAY + timedelta(days=1):
            shop.path(day).unlink()
    with pytest.raises(SourceError, match=rf"order_lines_{DAY + timedelta(days=1)}.*the file is missing"):
        ingest(url, shop, night(url, DAY + timedelta(days=2)))
    shop.write_day(DAY + timedelta(days=1))
    assert ingest(url, shop, night(url, DAY + timedelta(days=2))).rows_in > 0


def test_a_landed_file_may_be_packed_later(url, shop):
    plain = shop.folder / f"order_lines_{DAY}.csv"
    packed = shop.path(DAY).read_bytes()
    plain.write_bytes(shop.plain(DAY))
    shop.path(DAY).unlink()
    ingest(url, shop, night(url, DAY))
    plain.unlink()
    shop.path(DAY).write_bytes(packed)
    assert ingest(url, shop, night(url, DAY)).rows_in == 0


def test_compression_does_not_make_another_file_of_the_same_rows(url, shop):
    ingest(url, shop, night(url, DAY))
    content = shop.plain(DAY)
    shop.path(DAY).write_bytes(gzip.compress(content, compresslevel=1, mtime=12345))
    assert ingest(url, shop, night(url, DAY)).rows_in == 0


def test_a_line_without_all_its_fields_costs_itself_alone(url, shop):
    shop.replace_bytes(DAY, shop.plain(DAY).rsplit(b",", 3)[0] + b"\n")
    count = len(shop.rows[DAY])
    assert ingest(url, shop, night(url, DAY)).rows_out == sum(
        len(rows) for day, rows in shop.rows.items() if day <= DAY
    )
    with psycopg.connect(url) as connection:
        unread = connection.execute("select unread_rows from ops.loads where file_date = %s", [DAY]).fetchall()
    assert unread == [([count],)]
    assert [row[2:] for row in landed(url)[-count:]] == [tuple(row) for row in shop.rows[DAY][:-1]] + [(None,) * 8]


def test_columns_are_known_by_their_names_in_any_order(url, shop):
    lines = [line.split(",") for line in shop.plain(DAY).decode().splitlines()]
    shop.replace_bytes(DAY, "".join(",".join(reversed(line)) + "\n" for line in lines).encode())
    ingest(url, shop, night(url, DAY))
    assert [row[2:] for row in landed(url)[-len(shop.rows[DAY]) :]] == [tuple(row) for row in shop.rows[DAY]]


def break_missing(shop):
    shop.path(DAY).unlink()


def break_empty(shop):
    shop.replace_bytes(DAY, b"")


def break_truncated_gzip(shop):
    shop.path(DAY).write_bytes(shop.path(DAY).read_bytes()[:-20])


def break_truncated_line(shop):
    shop.replace_bytes(DAY, shop.plain(DAY)[:-8])


def break_header_renamed(shop):
    shop.replace_bytes(DAY, shop.plain(DAY).replace(b"UnitPrice", b"Price", 1))


def break_header_missing(shop):
    shop.replace_bytes(DAY, shop.plain(DAY).split(b"\n", 1)[1])


def break_encoding(shop):
    shop.replace_bytes(DAY, shop.plain(DAY).replace(b"THING", "CAFÉ".encode("latin-1"), 1))


def break_utf16(shop):
    shop.replace_bytes(DAY, shop.plain(DAY).decode().encode("utf-16"))


def break_duplicate(shop):
    shutil.copy(shop.path(DAY - timedelta(days=1)), shop.path(DAY))


def break_twice_the_day(shop):
    (shop.folder / f"order_lines_{DAY}.csv").write_bytes(shop.plain(DAY))


def break_not_gzip(shop):
    shop.path(DAY).write_bytes(shop.plain(DAY))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (break_missing, "the file is missing"),
        (break_empty, "the file is empty"),
        (break_truncated_gzip, "truncated"),
        (break_truncated_line, r"row \d+: the file is truncated"),
        (break_header_renamed, "row 0: the header changed: missing UnitPrice; 1 unknown"),
        (break_header_missing, "row 0: the header changed: missing"),
        (break_encoding, "row 1: bytes that are not UTF-8"),
        (break_utf16, "not UTF-8"),
        (break_duplicate, f"a duplicate: the same content as the file of {DAY - timedelta(days=1)}"),
        (break_twice_the_day, "tells of the same day"),
        (break_not_gzip, "not valid gzip"),
    ],
)
def test_a_broken_file_is_named_with_its_reason_and_not_landed(url, shop, damage, reason):
    damage(shop)
    with pytest.raises(SourceError, match=rf"^shop: order_lines_{DAY}\.csv.*{reason}") as caught:
        ingest(url, shop, night(url, shop.last_day))
    assert "\n" not in str(caught.value)
    assert "1000" not in str(caught.value).replace(str(DAY), "")  # no customer number in the message
    assert not any(str(DAY) in row[0] for row in landed(url))


def test_a_missing_folder_and_an_empty_one_are_named(url, shop):
    for path in shop.folder.iterdir():
        path.unlink()
    with pytest.raises(SourceError, match="no file named order_lines_"):
        ingest(url, shop, night(url, DAY))
    shop.folder.rmdir()
    with pytest.raises(SourceError, match="the folder does not exist"):
        ingest(url, shop, night(url, DAY))


def test_carriage_returns_and_a_byte_order_mark_change_nothing(url, shop):
    shop.replace_bytes(DAY, b"\xef\xbb\xbf" + shop.plain(DAY).replace(b"\n", b"\r\n"))
    ingest(url, shop, night(url, DAY))
    assert [row[2:] for row in landed(url) if str(DAY) in row[0]] == [tuple(row) for row in shop.rows[DAY]]
