"""A day against its history: hand-computed sizes, and histories that are odd themselves."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest

from expectations.drift import Drift, Profile, compare

DAY = date(2024, 3, 1)


def profile(lines=400, nameless=0.2, shift=0.0, countries=None):
    return Profile(
        lines, 100, nameless, tuple(hour + shift for hour in (9, 11, 13, 15, 17)), countries or {"A": 80, "B": 20}
    )


def history(**changes):
    return {DAY - timedelta(days=ago): profile(**changes) for ago in range(1, 29)}


def test_a_day_like_the_others_has_no_drift():
    drift = compare(DAY, profile(), history())
    assert drift == Drift(countries=drift.countries)
    assert drift.countries == pytest.approx(0, abs=1e-4)


def test_sizes_are_those_of_the_formula():
    drift = compare(DAY, profile(lines=200, nameless=0.25, shift=-1), history())
    assert drift.volume == pytest.approx(math.log(0.5))
    assert drift.volume_spreads == pytest.approx(math.log(0.5) / 0.05)
    assert (drift.nameless, drift.nameless_spreads) == (pytest.approx(0.05), pytest.approx(5))
    assert drift.hours == -1


def test_the_spread_is_the_historys_own_and_three_odd_weeks_hold():
    lines = {DAY - timedelta(days=ago): profile(lines=[300, 500][ago % 2]) for ago in range(1, 29)}
    noisy = compare(DAY, profile(lines=200), lines)
    assert abs(noisy.volume_spreads) < abs(noisy.volume) / 0.05
    spiked = history() | {DAY - timedelta(days=7): profile(lines=4000)}
    assert compare(DAY, profile(lines=200), spiked).volume == pytest.approx(math.log(0.5))


def test_population_stability_index_by_hand():
    before, now = (0.8, 0.2), (0.4, 0.6)
    wanted = sum((n - b) * math.log(n / b) for n, b in zip(now, before, strict=True))
    drift = compare(DAY, profile(countries={"A": 40, "B": 60}), history())
    assert drift.countries == pytest.approx(wanted, rel=0.05)


def test_hours_that_moved_in_two_directions_are_chance():
    wide = Profile(400, 100, 0.2, (8, 10, 13.5, 16, 18), {"A": 80, "B": 20})
    assert compare(DAY, wide, history()).hours == 0


@pytest.mark.parametrize("known", [{}, {DAY - timedelta(days=7 * k): profile() for k in (1, 2)}])
def test_too_little_history_says_nothing(known):
    assert compare(DAY, profile(lines=1), known) == Drift()


def test_closed_days_neither_drift_nor_count_as_history():
    assert compare(DAY, profile(lines=0), history()) == Drift()
    closed = {DAY - timedelta(days=7 * k): profile(lines=0) for k in (1, 2)}
    assert compare(DAY, profile(lines=200), history() | closed) == Drift()


def test_a_share_that_rises_for_a_week_shows_where_no_day_does():
    days = {DAY - timedelta(days=ago): profile(nameless=0.2 + (-1) ** ago * 0.03) for ago in range(1, 29)}
    assert compare(DAY, profile(nameless=0.2), days).nameless_pool == pytest.approx(0, abs=0.005)
    risen = {day: profile(nameless=0.25 + (-1) ** (DAY - day).days * 0.03) for day in days if (DAY - day).days < 7}
    drift = compare(DAY, profile(nameless=0.25), days | risen)
    assert drift.nameless_pool == pytest.approx(0.05, abs=0.005)
    error = 1.4826 * 0.03 * math.sqrt(1 / 7 + 1 / 22)
    assert drift.nameless_pool_spreads == pytest.approx(drift.nameless_pool / error, rel=0.1)
    assert abs(drift.nameless_spreads) < 4


def test_the_pool_needs_a_week_and_two_before_it():
    few = {day: known for day, known in history().items() if (DAY - day).days % 7 == 0}
    assert compare(DAY, profile(nameless=0.5), few).nameless_pool == 0
