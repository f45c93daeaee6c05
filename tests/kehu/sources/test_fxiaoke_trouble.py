"""The Fxiaoke reader within its limits, and where answers break."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import psycopg
import pytest

from kehu.sources import fxiaoke_api
from kehu.sources.contract import SourceError, SourceUnavailable
from kehu.warehouse.quota import DailyCalls
from tests.fakes.faults import Fault
from tests.kehu.sources.fxiaoke_tenant import QUERY
from tests.kehu.sources.readings import QUICK, records, take


class Memory:
    """A day's count without a warehouse."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, day, n: int) -> int:
        self.count += n
        return self.count

    def used(self, day) -> int:
        return self.count


# --- codes and limits


@pytest.mark.parametrize("code", [-1, 14001, 30004, 50009])
def test_codes_that_pass(tenant, code):
    tenant.app.fail_with(code, times=2, path=QUERY, after=2)
    assert records(take(tenant.reader().read("AccountObj", None))[0]) == tenant.expected()
    tenant.app.fail_with(code, times=99, path=QUERY)
    with pytest.raises(SourceUnavailable, match=f"errorCode {code}"):
        tenant.reader().count("AccountObj")


@pytest.mark.parametrize("code", [10006, 10013, 15003, 20014, 20020, 32000])
def test_codes_that_last(tenant, code):
    tenant.app.fail_with(code, times=99, path=QUERY)
    with pytest.raises(SourceError, match=f"errorCode {code}") as caught:
        tenant.reader().count("AccountObj")
    assert not isinstance(caught.value, SourceUnavailable)
    assert len(tenant.server.requests_to(QUERY)) == 1


@pytest.mark.parametrize(("daily_calls", "code"), [(4, 30002), (0, 30003)])
def test_a_used_up_quota_is_not_hammered(tenant, daily_calls, code):
    tenant.app.daily_calls = daily_calls
    with pytest.raises(SourceUnavailable, match=f"quota.*{code}"):
        take(tenant.reader().read("AccountObj", None))
    assert len(tenant.server.requests) == 1 + daily_calls + 1


def test_reading_stops_before_the_budget_is_exceeded(tenant, url):
    with pytest.raises(SourceUnavailable, match="the 5 calls that are allowed a day are used"):
        take(tenant.reader(budget=DailyCalls(url, "fx"), daily_calls=5).read("AccountObj", None))
    assert len(tenant.server.requests) == 5
    with pytest.raises(SourceUnavailable, match="the 5 calls"):
        tenant.reader(budget=DailyCalls(url, "fx"), daily_calls=5).count("AccountObj")
    assert len(tenant.server.requests) == 5
    with psycopg.connect(url) as connection:
        assert connection.execute("select source, count_calls from ops.api_calls").fetchall() == [("fx", 5)]


def test_second_tries_count_too(tenant):
    budget = Memory()
    tenant.app.fail_with(-1, times=2, path=QUERY)
    reader = tenant.reader(budget=budget)
    reader.count("AccountObj")
    assert budget.count == reader.count_calls == len(tenant.server.requests) == 1 + 3


def test_calls_keep_to_the_rate_of_each_interface(tenant, monkeypatch):
    monkeypatch.setattr(fxiaoke_api, "CALLS_A_WINDOW", 2)
    monkeypatch.setattr(fxiaoke_api, "WINDOW_SECONDS", 0.3)
    reader = tenant.reader()
    begun = datetime.now(timezone.utc)
    for _ in range(5):
        reader.count("AccountObj")
    assert datetime.now(timezone.utc) - begun >= timedelta(seconds=0.6)


def test_each_try_has_a_trace_of_its_own(tenant):
    tenant.app.fail_with(-1, times=3, path=QUERY)
    tenant.reader().count("AccountObj")
    traces = [request.params["thirdTraceId"] for request in tenant.server.requests]
    assert len(set(traces)) == len(traces) == 5


def test_ids_that_do_not_rise_are_refused(tenant, monkeypatch):
    monkeypatch.setattr("tests.fakes.fxiaoke_query.Selection.start", lambda self, bounds: 0)
    with pytest.raises(SourceUnavailable, match="do not follow"):
        take(tenant.reader().read("AccountObj", None))


# --- faults


@pytest.mark.parametrize("after", [1, 3])
@pytest.mark.parametrize(("fault", "within_body"), [*((fault, False) for fault in Fault), (Fault.RESET, True)])
def test_each_fault_within_a_listing(tenant, fault, after, within_body):
    """Keyset paging takes no cursor from the answer, so that each fault that passes is survived."""
    plan = tenant.server.faults.plan(fault, after=after, path=QUERY, within_body=within_body)
    versions, _ = take(tenant.reader().read("AccountObj", None))
    assert records(versions) == tenant.expected()
    assert plan.hits == 1


@pytest.mark.parametrize("fault", sorted(set(Fault) - {Fault.TOKEN_EXPIRED}, key=str))
def test_each_fault_that_lasts_ends_the_reading(tenant, fault):
    plan = tenant.server.faults.plan(fault, after=2, times=None, path=QUERY)
    with pytest.raises(SourceUnavailable, match=f"^fx: {QUERY}: "):
        take(tenant.reader().read("AccountObj", None))
    assert plan.hits <= QUICK.attempts


@pytest.mark.parametrize("lost", ["row", "id", "list", "envelope", "code"])
def test_a_page_that_is_not_whole_is_asked_for_again(tenant, lost):
    handle, count = tenant.app.handle, []

    def spoiling(request):
        answer = handle(request)
        count.extend([request] if request.path == QUERY else [])
        if request.path != QUERY or len(count) != 3:
            return answer
        data = answer.body["data"]
        body = {
            "row": {"data": data | {"dataList": data["dataList"][1:]}},
            "id": {"data": data | {"dataList": [{"name": "x"}, *data["dataList"][1:]]}},
            "list": {"data": data | {"dataList": None}},
            "envelope": {"data": None},
            "code": {"errorCode": None},
        }[lost]
        return replace(answer, body=answer.body | body)

    tenant.app.handle = spoiling
    versions, _ = take(tenant.reader().read("AccountObj", None))
    assert records(versions) == tenant.expected()


@pytest.mark.parametrize("fault", [Fault.TOO_MANY_REQUESTS, Fault.SERVER_ERROR, Fault.HTML, Fault.EMPTY, Fault.RESET])
def test_faults_of_the_token_endpoint(tenant, fault):
    tenant.server.faults.plan(fault, token_requests=True)
    assert tenant.reader().count("AccountObj") == 350
