"""Lists through the nights: who comes on them and leaves them why, whatever order the nights were kept in.

Six nights, kept in order, shuffled, and some twice. What dbt builds from sources is made by hand; what was kept goes
through the project's own models.
"""

from __future__ import annotations

from datetime import date

import psycopg
import pytest

from kehu.lists.night import keep_lists
from kehu.lists.registry import Registry
from kehu.warehouse.runs import Night
from tests.dbt_project.warehouse import Warehouse
from tests.kehu.lists.worlds import TABLES, customer, one_list

CALL = one_list("call", 1, channels=["phone"], until=None, valid_days=3, reason_en="score {score}")
OFFER = one_list("offer", 2, channels=["mail"], purpose="marketing", consent="opt_in", cost=10,
                 budget={"amount": 10, "per": "night"})  # fmt: skip
GONE = one_list("gone", 3, channels=["post"], rule="customer_id = 'a' or score = 40")
CAPS = {"any": {"contacts": 3, "days": 30}}
CONSENTS = [(name, "mail", ["marketing"], []) for name in "abch"]
# Customer → score and first day of the occasion, by night. b has no reason on night 3, c is merged into a on night 4.
FIRST = {"a": (50, 1), "b": (40, 1), "c": (30, 1), "h": (60, 1)}
NIGHTS = {
    1: FIRST,
    2: FIRST | {"b": (45, 1)},
    3: FIRST | {"b": None},
    4: {"a": (50, 1), "b": (40, 4), "h": (60, 1)},
    5: {"a": (50, 1), "b": (70, 4), "h": (60, 1)},
    6: {"a": (50, 1), "b": (70, 4), "h": (60, 1)},
}
MARTS = ("dim_lists", "fct_list_members", "fct_list_holdouts")


def on(number):
    return date(2024, 6, number)


def candidates(number):
    rows = {name: told for name, told in NIGHTS[number].items() if told}
    everybody = [
        customer(name, score, ["phone", "mail", "post"], name == "h", f"o{first}", on(first))
        for name, (score, first) in rows.items()
    ]
    return [(name, on(number), *rest) for name, _, *rest in everybody]


def registry(number):
    """The list `gone` is retired from night 3 on; on night 5 the offer's consent of a is withdrawn."""
    gone = GONE | ({"status": "retired"} if number >= 3 else {})
    return Registry.model_validate({"caps": CAPS, "lists": [CALL, OFFER, gone]})


def keep_night(made, number):
    consents = CONSENTS if number < 5 else [("a", "mail", [], ["marketing"]), *CONSENTS[1:]]
    with psycopg.connect(made.url) as connection:
        for table, rows in (("lst_customers", candidates(number)), ("lst_consents", consents)):
            connection.execute(f"truncate intermediate.{table}")
            for row in rows:
                connection.execute(f"insert into intermediate.{table} values ({', '.join(['%s'] * len(row))})", row)
        keep_lists(connection, Night(number, on(number)), registry(number))


def kept(server_url, nights):
    """A warehouse with these nights kept in this order."""
    made = Warehouse(server_url)
    made.execute(TABLES)
    for number in nights:
        keep_night(made, number)
    return made


@pytest.fixture(scope="module")
def built(server_url):
    """The nights in order, and the marts of the sixth."""
    made = kept(server_url, range(1, 7))
    made.execute(
        "insert into identity.merge_log values ('2024-06-04', 'person', 'merged', 'c', 'a', 3);"
        "insert into identity.assignments values ('person', 'r:1', 'c', '2024-06-01', '2024-06-04'),"
        " ('person', 'r:1', 'a', '2024-06-04', null);"
        "drop table intermediate.lst_keys, intermediate.lst_outcomes;"
        "create table intermediate.lst_outcomes"
        " (list_key text, contacted_date date, is_final boolean, exclusion_reason text);"
        # The call of night 2 to b was final, the one to a was not.
        "insert into intermediate.lst_outcomes select list_key, '2024-06-02', customer_id = 'b', null"
        " from history.list_candidates where list_id = 'call' and occasion = 'o1' and valid_from = '2024-06-01'"
    )
    made.build_nodes(
        "path:models/staging/history", "stg_identity__merge_log", "stg_ops__decision_journal", "list_statuses",
        day=on(6),
    )  # fmt: skip
    (run_id,) = made.rows("select max(run_id) + 1 from ops.runs")[0]
    made.schema = f"run_{run_id}"
    made.execute(f"""
        create schema {made.schema};
        create table {made.schema}.dim_customers as select * from (values ('a'), ('b'), ('h')) as c (customer_id);
        create table {made.schema}.dim_channels as select unnest(array['phone', 'mail', 'post']) as channel;
    """)
    made.build_nodes("lst_keys", *MARTS, day=on(6))
    assert made.rows("select max(run_id) from ops.runs") == [(run_id,)]
    return made


def members(built, name):
    """(customer, occasion, first night, first night without, why)."""
    rows = built.rows(f"""
        select customer_id, occasion, valid_from, valid_to, removal_reason from {built.schema}.fct_list_members
        where list_id = '{name}' order by 1, 3
    """)
    return [(who, what, begun.day, ended and ended.day, why) for who, what, begun, ended, why in rows]


def test_who_is_on_the_call_list_when_and_left_it_why(built):
    """a's days are over after night 4; b's is done by night 3 and another reason comes on night 4; c becomes a."""
    assert members(built, "call") == [
        ("a", "o1", 1, 5, "expired"),
        ("b", "o1", 1, 3, "done"),
        ("b", "o4", 4, None, None),
        ("c", "o1", 1, 4, "merged"),
    ]


def test_the_one_place_of_the_offer_moves_with_consent(built):
    """h would gain most but is held out; a has the place until the consent is withdrawn, then b."""
    assert members(built, "offer") == [("a", "o1", 1, 5, "no_consent"), ("b", "o4", 5, None, None)]


def test_a_list_that_is_retired_lets_everybody_go_and_stays_known(built):
    """b left it before, for a reason of its own."""
    assert members(built, "gone") == [("a", "o1", 1, 3, "list_retired"), ("b", "o1", 1, 2, "reason_gone")]
    lists = built.rows(
        f"select list_id, status, count_members, count_held_out from {built.schema}.dim_lists order by 1"
    )
    assert lists == [("call", "active", 1, 0), ("gone", "retired", 0, 0), ("offer", "active", 1, 0)]


def test_a_row_tells_what_it_was_told_last_and_its_words_for_leaving(built):
    rows = built.rows(f"""
        select reason_en, expected_gain, removal_words_en, list_position, is_current
        from {built.schema}.fct_list_members
        where list_id = 'call' and customer_id = 'b' order by valid_from
    """)
    assert rows == [
        ("score 45.00", 45, "Done: an outcome was told", None, False),
        ("score 70.00", 70, None, 1, True),
    ]


def test_the_held_out_customer_is_on_no_list_and_in_the_table_for_measuring(built):
    assert built.rows(f"select count(*) from {built.schema}.fct_list_members where customer_id = 'h'") == [(0,)]
    rows = built.rows(f"""
        select list_id, valid_from, valid_to from {built.schema}.fct_list_holdouts where customer_id = 'h' order by 1
    """)
    assert rows == [("call", on(1), on(5)), ("offer", on(1), on(5))]


@pytest.mark.parametrize("nights", [(4, 2, 6, 1, 3, 5), (6, 5, 4, 3, 2, 1), (1, 1, 2, 4, 3, 3, 2, 6, 5, 6)], ids=str)
def test_nights_in_any_order_and_again_keep_the_same_rows(built, server_url, nights):
    """All that the marts read of lists."""
    other = kept(server_url, nights)
    for table, count in (("list_candidates", 17), ("lists", 4)):
        query = f"select * from history.{table} order by list_id, 2, 3, valid_from"
        assert other.rows(query) == built.rows(query)
        assert len(built.rows(query)) == count
