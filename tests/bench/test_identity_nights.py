"""The nights' figures: a second night that links only what is new."""

from __future__ import annotations

import pytest

from bench.identity_nights import measure_nights


@pytest.fixture
def own_home(monkeypatch):
    """The bench names a home of its own; afterwards the tests' one counts again."""
    monkeypatch.setenv("KEHU_HOME", "")


def test_a_night_with_few_new_records_goes_on_from_the_last_and_comes_to_the_same(own_home):
    result = measure_nights(2000)
    assert (result["records"], result["new_records"]) == (2000, 20)
    nights = [result[name] for name in ("first_night", "second_night", "second_night_linked_anew")]
    assert [night["is_full"] for night in nights] == [True, False, True]
    assert result["same_as_linked_anew"]
    first = nights[0]
    assert first["cpu_seconds"] == pytest.approx(first["own_cpu_seconds"] + first["server_cpu_seconds"], abs=0.11)
    assert min(first["own_cpu_seconds"], first["server_cpu_seconds"]) > 0
    assert result["scores"]["pairs"]["f1"] > 0.9
