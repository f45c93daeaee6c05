"""What a night of the identity job costs on both sides, and that one with few new records goes on from the last."""

from __future__ import annotations

import pytest

from bench.identity_hard import hard_set
from bench.identity_nights import FIRST, SECOND, fill, measure
from kehu.local.postgres import ensure_server


def test_nights_are_measured_in_the_job_and_in_the_server(home, url):
    records, server = hard_set(1010).records, ensure_server(home)
    fill(url, records.slice(0, 1000))
    first = measure(url, server, FIRST)
    fill(url, records)
    second = measure(url, server, SECOND)
    assert (first["is_full"], second["is_full"]) == (True, False)
    assert first["cpu_seconds"] == pytest.approx(first["own_cpu_seconds"] + first["server_cpu_seconds"], abs=0.11)
    assert min(first["own_cpu_seconds"], first["server_cpu_seconds"]) > 0
    assert 50 < second["peak_mb"] < 10_000


def test_a_job_that_fails_says_why(home, url):
    with pytest.raises(RuntimeError, match="int_identity_records"):
        measure(url, ensure_server(home), FIRST)
