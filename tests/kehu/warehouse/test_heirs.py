"""Whom a former id stands for, by its records: random histories against what Python finds, and known ones."""

from __future__ import annotations

import random
from datetime import date, timedelta

import psycopg
import pytest

FIRST = date(2024, 3, 1)
NIGHTS = 6
RECORDS = [f"shop.accounts:{n}" for n in range(5)]
IDS = [f"P-{n}" for n in range(4)]


def fill(connection, nights):
    """Rows of `identity.assignments` for nights, each {record: customer}."""
    connection.execute("truncate identity.assignments")
    for record in RECORDS:
        told = [night.get(record) for night in nights]
        for n, customer in enumerate(told):
            if customer is None or (n and told[n - 1] == customer):
                continue
            end = next((m for m in range(n, len(told)) if told[m] != customer), None)
            values = [record, customer, day(n), None if end is None else day(end)]
            connection.execute("insert into identity.assignments values ('person', %s, %s, %s, %s)", values)


def day(night):
    return FIRST + timedelta(days=night)


def heirs(connection, former, night):
    query = "select customer_id, is_living, count_records from identity.heirs(%s, %s)"
    return {who: (is_living, count) for who, is_living, count in connection.execute(query, [former, day(night)])}


def former_ids(connection, asked, night):
    query = "select customer_id, is_theirs_alone from identity.former_ids(%s, %s)"
    return dict(connection.execute(query, [[asked], day(night)]).fetchall())


def followed(nights, former):
    """The heirs of an id after the last of the nights, record by record."""
    last = max((n for n, night in enumerate(nights) if former in night.values()), default=None)
    if last is None:
        return {}
    held = [record for record, customer in nights[last].items() if customer == former]
    if last == len(nights) - 1:
        return {former: (True, len(held))}
    found: dict[str, set[str]] = {}
    for record in held:
        newest = next(night[record] for night in reversed(nights) if record in night)
        for who in followed(nights, newest) if newest != former else [former]:
            found.setdefault(who, set()).add(record)
    if set(found) - {former}:
        found.pop(former, None)
    return {who: (who in nights[-1].values(), len(records)) for who, records in found.items()}


@pytest.mark.parametrize("seed", range(12))
def test_random_histories_agree_with_following_each_record(url, seed):
    random_ = random.Random(seed)
    nights = [{record: random_.choice(IDS) for record in RECORDS if random_.random() < 0.8} for _ in range(NIGHTS)]
    with psycopg.connect(url) as connection:
        fill(connection, nights)
        for night in range(NIGHTS):
            for former in [*IDS, "P-none"]:
                assert heirs(connection, former, night) == followed(nights[: night + 1], former), (night, former)
            for asked in IDS:
                stand_for = {former: set(followed(nights[: night + 1], former)) for former in IDS if former != asked}
                assert former_ids(connection, asked, night) == {
                    former: found == {asked} for former, found in stand_for.items() if asked in found
                }


def test_a_merge_that_comes_apart_takes_the_former_id_along(url):
    one, two = RECORDS[:2]
    apart_again = [{one: "P-0", two: "P-1"}, {one: "P-0", two: "P-0"}, {one: "P-0", two: "P-2"}]
    with psycopg.connect(url) as connection:
        fill(connection, apart_again)
        assert heirs(connection, "P-1", 1) == {"P-0": (True, 1)}
        assert heirs(connection, "P-1", 2) == {"P-2": (True, 1)}


def test_what_vanished_with_a_customer_that_was_merged_later_is_found_there(url):
    one, two = RECORDS[:2]
    with psycopg.connect(url) as connection:
        fill(connection, [{one: "P-0", two: "P-1"}, {one: "P-1", two: "P-1"}, {two: "P-1"}, {two: "P-2"}])
        assert heirs(connection, "P-0", 3) == {"P-2": (True, 1)}
        assert heirs(connection, "P-1", 3) == {"P-2": (True, 1)}
