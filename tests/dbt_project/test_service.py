"""Requests for service, contacts and visits to the site: whose, when, how long, and what is left out and why."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest

from tests.dbt_project.warehouse import Warehouse, line

NIGHT = date(2024, 3, 5)
LONDON = ZoneInfo("Europe/London")
ENGLISH_HOLIDAYS_OF_2011 = {(1, 3), (4, 22), (4, 25), (4, 29), (5, 2), (5, 30), (8, 29), (12, 26), (12, 27)}
# Of each span: opened, answered (UTC), minutes by the clock, minutes of working hours (09:00 to 17:30 in London).
SPANS = {
    "over the weekend the clocks go forward": ("2011-03-25 17:00", "2011-03-28 08:30", 3810, 60),
    "over the weekend the clocks go back": ("2011-10-28 16:00", "2011-10-31 09:30", 3930, 60),
    "within a weekend": ("2011-06-11 10:00", "2011-06-12 12:00", 1560, 0),
    "over Easter": ("2011-04-21 16:00", "2011-04-26 08:15", 6735, 45),
    "from evening to morning": ("2011-06-14 20:00", "2011-06-15 05:00", 540, 0),
    "from closing to opening": ("2011-06-14 16:30", "2011-06-15 08:00", 930, 0),
    "from before opening to after closing": ("2011-06-14 05:00", "2011-06-14 20:00", 900, 510),
    "a year": ("2011-01-01 00:00", "2012-01-01 00:00", 365 * 1440, 251 * 510),
    "the same instant": ("2011-06-14 10:00", "2011-06-14 10:00", 0, 0),
    "half a minute": ("2011-06-14 10:00:30", "2011-06-14 10:01:00", Decimal("0.5"), Decimal("0.5")),
    "backwards": ("2011-06-14 10:00", "2011-06-14 09:59", None, None),
    "from before the calendar begins": ("2008-12-31 10:00", "2009-01-02 10:00", 2880, None),
    "from an unreadable time": ("soon", "2011-06-14 10:00", None, None),
}
PROBLEMS = {
    "backwards": "ends_before_start",
    "from before the calendar begins": "outside_calendar",
    "from an unreadable time": "start_unknown",
}


def ticket(opened="2024-03-01 10:00", status="open", **fields):
    return {"opened_at": opened, "status": status, "channel": "mail", "agent": "agent-01"} | fields


def history(*entries):
    return {"status_history": [{"status": status, "at": at} for status, at in entries]}


def random_spans():
    random = Random(5)
    for number in range(120):
        opened = datetime(2011, 1, 2, tzinfo=timezone.utc) + timedelta(minutes=random.randrange(350 * 1440))
        if number < 40:  # near the changes of the clocks
            opened = datetime(2011, random.choice((3, 10)), 26, tzinfo=timezone.utc) + timedelta(
                minutes=random.randrange(5 * 1440)
            )
        yield f"random {number}", opened, opened + timedelta(minutes=int(10 ** random.uniform(0, 4)))


def worked_minutes(opened, answered):
    """Count minute by minute."""
    count, at = 0, opened
    while at < answered:
        here = at.astimezone(LONDON)
        is_open = (9, 0) <= (here.hour, here.minute) < (17, 30)
        count += is_open and here.isoweekday() < 6 and (here.month, here.day) not in ENGLISH_HOLIDAYS_OF_2011
        at += timedelta(minutes=1)
    return count


def land_desk(warehouse):
    spans = [(name, ticket(opened, first_response_at=answered)) for name, (opened, answered, _, _) in SPANS.items()]
    spans += [(n, ticket(str(begin), first_response_at=str(end))) for n, begin, end in random_spans()]
    warehouse.land("support", "tickets", [(name, "2024-03-01 10:00", fields) for name, fields in spans])
    solved = ticket(status="solved", first_response_at="2024-03-01T12:00:00+02:00", resolved_at="2024-03-04 10:00")
    solved |= history(
        ("open", "2024-03-01 10:00"),
        ("answered", "2024-03-01 10:00"),
        ("Solved", "2024-03-04 10:00"),
        ("solved", "2024-03-04 10:01"),
    )
    reopened = history(("open", "2024-03-01 10:00"), ("solved", "2024-03-02 10:00"), ("pending", "2024-03-02 11:00"))
    later = history(("open", "2024-03-01 10:00"), ("answered", "2024-03-02 10:00"), ("solved", "2024-03-06 00:00"))
    garbage = {"opened_at": "now", "status": "???", "status_history": "none", "agent": {}, "order_number": "'; --"}
    garbage |= {"channel": "fax", "first_response_at": "infinity", "resolved_at": [1]}
    first = [
        ("two versions", "2024-03-01 10:00", ticket() | history(("open", "2024-03-01 10:00"))),
        ("two versions", "2024-03-04 10:00", solved | {"order_number": "1"}),
        ("deleted", "2024-03-01 10:00", ticket()),
        ("deleted", "2024-03-02 10:00", None),
        ("restored", "2024-03-01 10:00", ticket()),
        ("restored", "2024-03-02 10:00", None),
        ("corrected late", "2024-03-03 10:00", ticket(status="closed", order_number="1")),
        ("garbage", "2024-03-01 10:00", garbage),
        ("after the night", "2024-03-06 00:00", ticket("2024-03-06 00:00")),
        ("on the night", "2024-03-05 23:59", ticket("2024-03-05 23:59", channel="web_form")),
        ("solved after the night", "2024-03-06 00:00", ticket(status="solved", resolved_at="2024-03-06 00:00") | later),
        ("open again", "2024-03-02 11:00", ticket(status="pending", resolved_at="2024-03-02 10:00") | reopened),
        ("without a history", "2024-03-01 10:00", ticket()),
        ("without a history", "2024-03-02 10:00", ticket(status="answered")),
        ("without a history", "2024-03-03 10:00", ticket(status="solved")),
    ]
    warehouse.land("support", "tickets", first)
    # A correction of the past is no news; what arrives after a deletion is.
    second = [
        ("corrected late", "2024-03-02 10:00", ticket(status="open", order_number="9")),
        ("restored", "2024-03-01 10:00", ticket()),
    ]
    warehouse.land("support", "tickets", second)
    warehouse.land("support", "chats", [("h", "2024-03-01 10:00", ticket(channel="chat"))])
    complaint = ticket(status="solved", resolved_at="2024-03-02 10:00", severity="High", channel="phone")
    kinds = {"called": complaint, "asked": complaint, "forgotten": complaint, "open": ticket(severity="grave")}
    warehouse.land("support", "complaints", [(name, "2024-03-02 10:00", fields) for name, fields in kinds.items()])
    call = {"direction": "outbound", "started_at": "2024-03-02 12:00", "duration_seconds": 61, "agent": "agent-02"}
    calls = [
        ("back", "2024-03-02 12:01", call | {"order_number": "1"}),
        ("in", "2024-03-02 12:01", call | {"direction": "inbound"}),
        ("long ago", "2024-03-01 12:01", call | {"started_at": "2024-03-01 12:00", "duration_seconds": "-5"}),
        ("odd", "2024-03-02 12:01", {"direction": "sideways", "started_at": "noon", "duration_seconds": "long"}),
        ("gone", "2024-03-02 12:01", call),
        ("gone", "2024-03-02 12:02", None),
        ("tomorrow", "2024-03-02 12:02", call | {"started_at": "2024-03-06 12:00"}),
    ]
    warehouse.land("support", "calls", calls)
    visit = {"visited_at": "2024-03-01 14:00", "purpose": "follow-up", "agent": "agent-03"}
    visits = [("v", "2024-03-01 14:00", visit), ("w", "2024-03-01 14:00", {"visited_at": None, "purpose": "golf"})]
    warehouse.land("support", "visits", visits)
    asked = {"subject_id": "h", "sent_at": "2024-03-04 10:00"}
    warehouse.land("surveys", "csat", [("s", "2024-03-04 10:00", asked)])


def land_crms(warehouse):
    case = {
        "Created_Time": "2024-03-01T10:00:00+00:00",
        "Case_Origin": "Email",
        "Priority": "High",
        "Order_Number": "1",
    }
    case |= {"Owner": {"id": "u1", "name": "Bo"}, "Status": "New"}
    cases = [
        ("twice closed", "2024-03-01 10:00", case),
        ("twice closed", "2024-03-02 10:00", case | {"Status": "Closed"}),
        ("twice closed", "2024-03-03 10:00", case | {"Status": "Escalated"}),
        ("twice closed", "2024-03-04 10:00", case | {"Status": "Closed"}),
        ("twice closed", "2024-03-04 11:00", case | {"Status": "Closed", "Priority": "Low"}),
        ("removed", "2024-03-01 10:00", case),
        ("removed", "2024-03-02 10:00", None),
        ("bare", "2024-03-02 10:00", {"Owner": "Bo", "Created_Time": "2024-02-30T10:00:00Z"}),
    ]
    warehouse.land("zoho_crm", "Cases", cases)
    case = {"create_time": 1709287200000, "owner": ["1003", "1004"], "case_status": "1"}  # 2024-03-01 10:00
    cases = [
        ("f", "2024-03-01 10:00", case),
        ("f", "2024-03-04 10:00", case | {"case_status": "4"}),
        ("g", "2024-03-01 10:00", case | {"create_time": "today", "owner": [], "case_status": 17}),
    ]
    warehouse.land("fxiaoke", "CasesObj", cases)
    activity = {"create_time": "1709287200000", "owner": "1003", "active_record_type": "2"}
    activities = [("a", "2024-03-01 10:00", activity), ("b", "2024-03-01 10:00", {"active_record_type": "call"})]
    warehouse.land("fxiaoke", "ActiveRecordObj", activities)


def event(at, device="device-1", kind="page", **fields):
    context = {"page": {"path": "/"}, "userAgent": "ExampleBrowser (Windows)", "ip": "192.0.2.1"}
    return {"anonymousId": device, "type": kind, "timestamp": at, "context": context} | fields


def land_web(warehouse):
    landing = {"page": {"path": "/landing?mail=jo@x.example"}, "campaign": {"source": "mail"}}
    events = {
        "1": event("2024-03-01T10:00:00Z", context=landing),
        "2": event("2024-03-01T10:30:00Z", kind="track", event="Product Viewed"),
        "3": event("2024-03-01T10:31:00Z", kind="identify", userId="7"),
        "4": event("2024-03-01T11:00:00Z", kind="track", event="Order Completed", userId="7"),
        "5": event("2024-03-01T11:30:01Z"),
        "6": event("2024-03-01T10:00:00Z", device="device-2", userId="9"),
        "7": event("2024-03-01T10:00:00Z", device=None),
        "8": event("never"),
        "9": event("2024-03-06T00:00:00Z"),
        "10": event("2024-03-01T12:00:00Z"),
        "11": event("2024-03-03T23:50:00Z", device="device-3", context="none", properties=[]),
        "12": event("today", device="device-3", receivedAt="2024-03-04T00:10:00Z", context={"page": 3}),
    }
    rows = [(name, "2024-03-01 10:00", fields) for name, fields in events.items()]
    warehouse.land("web", "events", [*rows, ("10", "2024-03-01 13:00", None)])
    # A correction moves an event into another visit.
    warehouse.land("web", "events", [("5", "2024-03-02 10:00", event("2024-03-02T11:30:01Z"))])


@pytest.fixture(scope="module")
def world(server_url):
    warehouse = Warehouse(server_url)
    warehouse.land_columns("shop", "order_lines", [line("1", "7")], date(2024, 3, 1))
    land_desk(warehouse)
    land_crms(warehouse)
    land_web(warehouse)
    people = {
        "p1": ("support.tickets:two versions", "support.complaints:called", "support.calls:back", "support.visits:v"),
        "p2": ("support.complaints:asked", "surveys.csat:s", "zoho_crm.Cases:twice closed", "fxiaoke.CasesObj:f"),
        "p3": ("support.complaints:forgotten", "support.calls:long ago", "support.calls:in", "support.complaints:open"),
        "p4": ("web.logins:7/device-1", "fxiaoke.ActiveRecordObj:a"),
    }
    warehouse.execute(
        "insert into identity.assignments (kind, record_key, customer_id, valid_from) values "
        + ", ".join(f"('person', '{key}', '{person}', '2024-03-05')" for person, keys in people.items() for key in keys)
        + ", ('company', 'support.tickets:garbage', 'c1', '2024-03-05')"
    )
    warehouse.build_nodes("+path:models/marts/service", day=NIGHT)
    ((run,),) = warehouse.rows("select max(run_id) from ops.runs")
    warehouse.schema = f"run_{run}"
    return warehouse


@pytest.fixture(scope="module")
def requests(world):
    def read(columns, entity="support.tickets"):
        query = f"select request_id, {columns} from {world.schema}.fct_service_requests"
        begin = f"{entity}:"
        return {key.removeprefix(begin): row for key, *row in world.rows(query) if key.startswith(begin)}

    return read


@pytest.mark.parametrize("name", SPANS)
def test_minutes_of_a_span(requests, name):
    clock, business, problem = requests("response_minutes_clock, response_minutes_business, response_problem")[name]
    assert (clock, business) == SPANS[name][2:]
    assert problem == PROBLEMS.get(name)


def test_business_minutes_are_those_that_are_counted_one_by_one(requests):
    told = requests("response_minutes_business")
    counted = {name: worked_minutes(opened, answered) for name, opened, answered in random_spans()}
    assert {name: told[name][0] for name in counted} == counted
    assert sum(count > 0 for count in counted.values()) > 50


def utc(text):
    return datetime.fromisoformat(f"{text}+00:00")


def test_the_newest_version_known_on_the_night_counts(requests):
    told = requests("status, order_id, customer_id, count_status_changes, is_reopened, resolved_at")
    solved = utc("2024-03-04 10:00")
    assert told["two versions"] == ["solved", "1", "p1", 2, False, solved]
    assert told["corrected late"] == ["closed", "1", None, 1, False, utc("2024-03-03 10:00")]
    assert told["restored"][0] == "open"
    assert told["without a history"] == ["solved", None, None, 2, False, utc("2024-03-03 10:00")]
    assert told["open again"] == ["waiting", None, None, 2, True, None]
    assert "deleted" not in told


def test_nothing_later_than_the_night_shows(world, requests):
    told = requests("status, first_response_at, resolved_at, resolution_minutes_clock")
    assert told["solved after the night"] == ["answered", utc("2024-03-02 10:00"), None, None]
    assert told["on the night"][0] == "open"
    assert "after the night" not in told
    later = "select request_id from intermediate.int_service_requests__unioned where exclusion_reason is not null"
    assert world.rows(later) == [("support.tickets:after the night",)]


def test_what_is_unreadable_is_null(requests):
    columns = "status, source_status, channel, order_id, customer_id, opened_at, first_response_at, resolved_at"
    told = requests(f"{columns}, opened_date, count_status_changes, response_problem, is_closed_loop")
    assert told["garbage"] == ["unknown", "???", "other", *[None] * 6, 0, None, None]
    columns = "status, channel, priority, agent_id, opened_at, resolved_at"
    assert requests(columns, "zoho_crm.Cases")["bare"] == ["unknown", *[None] * 5]
    assert requests(columns, "fxiaoke.CasesObj")["g"] == ["unknown", *[None] * 5]


def test_the_versions_of_cases_are_their_history(requests):
    columns = "request_type, status, channel, priority, agent_id, order_id, customer_id, opened_at, opened_date"
    columns += ", resolved_at, count_status_changes, is_reopened, first_response_at"
    opened, closed = utc("2024-03-01 10:00"), utc("2024-03-04 10:00")
    begin = ["case", "closed"]
    assert requests(columns, "zoho_crm.Cases") == {
        "twice closed": [*begin, "mail", "low", "u1", "1", "p2", opened, opened.date(), closed, 3, True, None],
        "bare": ["case", "unknown", *[None] * 8, 0, False, None],
    }
    told = requests(columns, "fxiaoke.CasesObj")
    assert told["f"] == [*begin, None, None, "1003", None, "p2", opened, opened.date(), closed, 1, False, None]


def test_the_loop_of_a_complaint(requests):
    told = requests("is_closed_loop, priority, channel", "support.complaints")
    assert told == {
        "called": [True, "high", "phone"],
        "asked": [True, "high", "phone"],
        "forgotten": [False, "high", "phone"],
        "open": [False, "other", "mail"],
    }
    assert requests("is_closed_loop", "support.chats") == {"h": [None]}


def test_contacts(world):
    query = f"""
        select
            interaction_id, channel, direction, purpose, customer_id, agent_id, order_id, started_at, duration_seconds
        from {world.schema}.fct_interactions
    """
    told = {key: row for key, *row in world.rows(query)}
    noon, opened = utc("2024-03-02 12:00"), utc("2024-03-01 10:00")
    calls = {key: row for key, row in told.items() if key.startswith("support.calls:")}
    assert calls == {
        "support.calls:back": ["phone", "outbound", "service", "p1", "agent-02", "1", noon, 61],
        "support.calls:in": ["phone", "inbound", "service", "p3", "agent-02", None, noon, 61],
        "support.calls:long ago": [
            "phone",
            "outbound",
            "service",
            "p3",
            "agent-02",
            None,
            utc("2024-03-01 12:00"),
            None,
        ],
        "support.calls:odd": ["phone", None, "service", None, None, None, None, None],
    }
    visited = utc("2024-03-01 14:00")
    assert told["support.visits:v"] == ["visit", "outbound", "follow_up", "p1", "agent-03", None, visited, None]
    assert told["support.visits:w"] == ["visit", "outbound", "other", *[None] * 5]
    assert told["fxiaoke.ActiveRecordObj:a"] == ["phone", "outbound", "sales", "p4", "1003", None, opened, None]
    assert told["fxiaoke.ActiveRecordObj:b"] == ["other", "outbound", "sales", *[None] * 5]
    assert told["support.tickets:two versions"][:5] == ["mail", "inbound", "service", "p1", "agent-01"]
    assert told["support.complaints:open"][:3] == ["mail", "inbound", "complaint"]
    assert told["support.chats:h"][:3] == ["chat", "inbound", "service"]


def test_visits_to_the_site(world):
    query = f"""
        select started_at, ended_at, count_events, count_page_views, count_product_views, has_order, customer_id,
            customer_known_by, landing_path, campaign_source, device_class, started_date
        from {world.schema}.fct_web_sessions order by started_at, customer_id, landing_path
    """
    first, last, other = utc("2024-03-01 10:00"), utc("2024-03-01 11:00"), utc("2024-03-02 11:30:01")
    tail = ["/", None, "desktop"]
    assert [list(row) for row in world.rows(query)] == [
        [first, last, 4, 1, 1, True, "p4", "login", "/landing", "mail", "desktop", first.date()],
        [first, first, 1, 1, 0, False, None, None, *tail, first.date()],
        [other, other, 1, 1, 0, False, "p4", "device", *tail, other.date()],
        [utc("2024-03-03 23:50"), utc("2024-03-04 00:10"), 2, 2, 0, False, *[None] * 4, "unknown", date(2024, 3, 3)],
    ]
    told = str(world.rows(f"select * from {world.schema}.fct_web_sessions"))
    assert not any(word in told for word in ("device-1", "192.0.2", "jo@x", "ExampleBrowser"))


def records(world, source, *entities):
    """Each record id ever landed."""
    for entity, table in entities:
        for (record_id,) in world.rows(f"select distinct _record_id from raw_{source}.{table}"):
            yield f"{source}.{entity}:{record_id}"


def test_every_record_is_in_its_fact_or_has_a_reason(world):
    desk = ("tickets", "tickets"), ("chats", "chats"), ("complaints", "complaints")
    asked = {*records(world, "support", *desk)}
    cases = {*records(world, "zoho_crm", ("Cases", "cases")), *records(world, "fxiaoke", ("CasesObj", "cases_obj"))}
    told = {key for (key,) in world.rows(f"select request_id from {world.schema}.fct_service_requests")}
    late, deleted = {"support.tickets:after the night"}, {"support.tickets:deleted"}
    assert told == (asked | cases) - {"zoho_crm.Cases:removed"} - late - deleted

    met = {*records(world, "support", ("calls", "calls"), ("visits", "visits"))}
    met |= {*records(world, "fxiaoke", ("ActiveRecordObj", "active_record_obj"))}
    told = {key for (key,) in world.rows(f"select interaction_id from {world.schema}.fct_interactions")}
    late |= {"support.calls:tomorrow"}
    assert told == (asked | met) - late - deleted - {"support.calls:gone"}

    events = {*records(world, "web", ("events", "events"))}
    reasons = dict(world.rows("select event_id, exclusion_reason from intermediate.int_web_events__sessioned"))
    assert {f"web.events:{key}" for key in reasons} == events - {"web.events:10"}
    assert {key: why for key, why in reasons.items() if why} == {"7": "no_device", "8": "no_time", "9": "after_night"}
    ((count,),) = world.rows(f"select sum(count_events) from {world.schema}.fct_web_sessions")
    assert count == sum(why is None for why in reasons.values())


def test_an_installation_that_reads_nothing_has_empty_marts(server_url):
    warehouse = Warehouse(server_url)
    warehouse.land_columns("shop", "order_lines", [line("1", "7")], date(2024, 3, 1))
    warehouse.build_nodes("+path:models/marts/service", day=NIGHT)
    ((run,),) = warehouse.rows("select max(run_id) from ops.runs")
    for mart in ("fct_service_requests", "fct_interactions", "fct_web_sessions"):
        assert warehouse.rows(f"select count(*) from run_{run}.{mart}") == [(0,)]
