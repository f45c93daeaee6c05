"""The generic REST reader against a fake service, in every style of paging."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from kehu.sources.contract import SourceUnavailable
from tests.fakes.exchange import Answer
from tests.fakes.faults import Fault
from tests.kehu.sources.readings import QUICK, records, take
from tests.kehu.sources.rest_service import ENTITIES

# Those whose answers tell where the next page is can be led astray.
LED = {"chats", "visits", "survey_answers", "posts"}


@pytest.mark.parametrize("name", ENTITIES)
def test_every_record_in_every_style(service, name):
    versions, outcome = take(service.reader().read(name, None))
    expected = service.expected(name)
    assert records(versions) == expected
    assert outcome.is_complete
    newest = max(datetime.fromisoformat(row["updated_at"]) for row in expected.values())
    assert datetime.fromisoformat(outcome.state["changed"]) == newest
    assert all(one.changed_at == datetime.fromisoformat(expected[one.record_id]["updated_at"]) for one in versions)


@pytest.mark.parametrize("name", ENTITIES)
def test_only_what_changed_since(service, name):
    reader = service.reader()
    _, first = take(reader.read(name, None))
    changed = next(iter(service.expected(name)))
    service.app.change(name, changed, note="changed")
    versions, second = take(reader.read(name, first.state))
    assert records(versions)[changed]["note"] == "changed"
    assert len(versions) < 230
    assert not second.is_complete
    versions, third = take(reader.read(name, second.state))
    assert changed in records(versions)  # within the lag
    assert third.state == second.state


def test_without_a_cursor_every_reading_is_complete(service):
    reader = service.reader(cursor=None)
    for state in (None, {}):
        versions, outcome = take(reader.read("tickets", state))
        assert (len(versions), outcome.state, outcome.is_complete) == (230, {}, True)


@pytest.mark.parametrize("name", ENTITIES)
def test_keys_fetch_and_count(service, name):
    reader = service.reader()
    assert {key for page in reader.keys(name) for key in page} == set(service.expected(name))
    wanted = sorted(service.expected(name))[:3]
    assert set(records(take(reader.fetch(name, [*wanted, "none"]))[0])) == set(wanted)
    told = {"tickets": 230, "calls": 230, "chats": 230, "visits": 230}
    assert reader.count(name) == told.get(name)


@pytest.mark.parametrize("name", ["tickets", "calls", "chats", "complaints"])
def test_rows_that_move_up_behind_the_page_are_found(service, name):
    """Rows of page 1 go while page 3 is next: others move up over the edge, out of sight."""
    ids = list(service.expected(name))
    service.app.meddle[3] = lambda: [service.app.delete(name, key) for key in ids[:3]]
    versions, _ = take(service.reader().read(name, None))
    found = set(records(versions))
    if name == "complaints":  # nothing in these answers tells
        assert len(set(service.expected(name)) - found) == 3
    else:
        assert found == set(ids)


def test_rows_that_move_down_are_told_once(service):
    def meddle():
        rows = service.app.collections["tickets"].records
        new = {"id": 9_999_999, "updated_at": "2026-01-01T00:00:00Z"}
        service.app.collections["tickets"].records = {"9999999": new, **rows}
        service.app.collections["tickets"].selections.clear()

    service.app.meddle[3] = meddle
    versions, _ = take(service.reader().read("tickets", None))
    assert set(records(versions)) == set(service.expected("tickets"))


def test_a_list_that_never_settles_ends_in_an_error(service):
    service.app.records("tickets")
    rows = service.app.collections["tickets"].records
    twin = rows[next(iter(rows))] | {"note": "the same id again"}
    rows["another"] = twin
    with pytest.raises(SourceUnavailable, match="changes while it is read, or its key is not unique"):
        take(service.reader().read("tickets", None))


def test_the_sources_clock_bounds_the_state(service):
    """A row that changes behind the page has to be read next time, though later rows are newer than it."""
    early, *_, late = list(service.expected("calls"))
    begun = datetime.now(timezone.utc)
    service.app.meddle[3] = lambda: [
        service.app.change("calls", key, updated_at=(begun + timedelta(minutes=minutes)).isoformat())
        for key, minutes in ((early, 30), (late, 60))
    ]
    with_date = service.app.handle
    service.app.handle = lambda request: _dated(with_date(request), begun)
    reader = service.reader()
    versions, outcome = take(reader.read("calls", None))
    assert datetime.fromisoformat(outcome.state["changed"]) <= begun + timedelta(seconds=1)
    assert early in records(take(reader.read("calls", outcome.state))[0])


def _dated(answer: Answer, moment: datetime) -> Answer:
    return Answer(answer.status, answer.body, {**answer.headers, "Date": f"{moment:%a, %d %b %Y %H:%M:%S} GMT"})


# --- faults


@pytest.mark.parametrize("after", [1, 3])
@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("name", ["tickets", "calls", "chats", "visits"])
def test_each_fault_within_a_listing(service, name, fault, after):
    """All rows exactly once; only a cursor that leads back may end the reading."""
    plan = service.server.faults.plan(fault, after=after, path=name)
    try:
        versions, _ = take(service.reader().read(name, None))
    except SourceUnavailable:
        assert fault is Fault.CURSOR_LOOP and name in LED
    else:
        assert records(versions) == service.expected(name)
    assert plan.hits == 1


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("name", ["complaints", "survey_answers", "posts"])
def test_each_fault_that_lasts_ends_the_reading(service, name, fault):
    plan = service.server.faults.plan(fault, after=2, times=None, path=name, fresh_cursors=True)
    with pytest.raises(SourceUnavailable, match=f"^rest: /{name}: "):
        take(service.reader().read(name, None))
    assert plan.hits <= 3 * QUICK.attempts
