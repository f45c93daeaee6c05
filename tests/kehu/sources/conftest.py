"""Fakes of sources with readers of them."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from kehu.sources import fxiaoke_api
from tests.fakes.crowd import fill_fxiaoke, fill_zoho
from tests.fakes.limits import MovableClock
from tests.kehu.sources.fxiaoke_tenant import FEW, Tenant
from tests.kehu.sources.rest_service import Service
from tests.kehu.sources.zoho_crm import Crm


@pytest.fixture
def clock():
    # Tokens live by the real clock on the reader's side, so the fake's goes on from the real time.
    return MovableClock(datetime.now(timezone.utc).replace(microsecond=0))


@pytest.fixture
def crm_with(clock):
    made: list[Crm] = []

    def make(**limits) -> Crm:
        made.append(Crm(clock, **limits))
        return made[-1]

    yield make
    for crm in made:
        crm.close()
        assert not crm.server.errors


@pytest.fixture
def crm(crm_with):
    """450 contacts; page numbers reach 400 rows."""
    crm = crm_with(first_rows=400)
    fill_zoho(crm.app, contacts=450, accounts=20, leads=40, deals=30, cases=5)
    return crm


@pytest.fixture
def tenant_with(clock, monkeypatch):
    # Its rate has a test of its own.
    monkeypatch.setattr(fxiaoke_api, "CALLS_A_WINDOW", 100_000)
    made: list[Tenant] = []

    def make(counts=FEW, **options) -> Tenant:
        made.append(Tenant(clock, **options))
        fill_fxiaoke(made[-1].app, *counts)
        return made[-1]

    yield make
    for tenant in made:
        tenant.close()
        assert not tenant.server.errors


@pytest.fixture
def tenant(tenant_with):
    return tenant_with()


@pytest.fixture
def service():
    service = Service()
    yield service
    for reader in service.readers:
        reader.close()
    service.server.stop()
    assert not service.server.errors
