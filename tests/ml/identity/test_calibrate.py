from __future__ import annotations

import numpy as np
import pytest

from ml.identity.calibrate import MOST_BITS, STEP, calibrate

# What the telling comparison comes out as among pairs of one person and among those of two: same, alike, different.
SAME = np.array([0.90, 0.07, 0.03])
STRANGERS = np.array([0.01, 0.04, 0.95])
WEIGHT = np.log2(SAME / STRANGERS)


def simulate(shares: dict[float, float], count: int, seed: int = 1):
    """`count` pairs for each contact part; `shares` says how many of them are one person."""
    random = np.random.default_rng(seed)
    contact = np.repeat(list(shares), count)
    is_same = random.random(len(contact)) < np.repeat(list(shares.values()), count)
    outcome = np.where(is_same, random.choice(3, len(contact), p=SAME), random.choice(3, len(contact), p=STRANGERS))
    return contact, WEIGHT[outcome]


def share_of(bits):
    return 1 / (1 + 2.0**-bits)


def test_the_share_of_true_pairs_is_found_without_labels():
    # As in a household: 13 bits of shared contacts are mostly two people, whatever the sum of weights says.
    shares = {-5.0: 0.004, 1.0: 0.02, 7.0: 0.35, 13.0: 0.08, 21.0: 0.93}
    found = calibrate(*simulate(shares, 20_000))
    assert list(found) == [np.floor(contact / STEP) for contact in shares]
    for contact, share in shares.items():
        assert share_of(found[int(contact // STEP)]) == pytest.approx(share, abs=0.01)


def test_a_step_is_two_bits_wide():
    assert list(calibrate(np.array([-0.1, 0.0, 1.9, 2.0]), np.zeros(4))) == [-1, 0, 1]


def test_steps_learn_from_their_own_pairs_alone():
    low, high = simulate({3.0: 0.2}, 500), simulate({9.0: 0.7}, 500, seed=2)
    both = calibrate(np.concatenate([low[0], high[0]]), np.concatenate([low[1], high[1]]))
    assert both == calibrate(*low) | calibrate(*high)


@pytest.mark.parametrize("count", [1, 1000])
def test_pairs_that_tell_nothing_leave_what_was_assumed(count):
    assert calibrate(np.full(count, 9.0), np.zeros(count)) == pytest.approx({4: 9.0}, abs=0.01)


def test_one_pair_moves_less_than_many():
    one, many = (calibrate(np.full(count, 9.0), np.full(count, -6.0))[4] for count in (1, 5000))
    assert 0 < one < 9
    assert many < -6


def test_no_pairs_teach_nothing():
    assert calibrate(np.empty(0), np.empty(0)) == {}


def test_the_order_of_pairs_does_not_count():
    contact, telling = simulate({3.0: 0.2, 9.0: 0.7}, 500)
    order = np.random.default_rng(2).permutation(len(contact))
    assert calibrate(contact[order], telling[order]) == calibrate(contact, telling)


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("contact", [-5000.0, -60.0, 60.0, 5000.0])
@pytest.mark.parametrize("telling", [-5000.0, 0.0, 5000.0])
def test_extreme_weights_stay_numbers(contact, telling):
    found = calibrate(np.full(50, contact), np.full(50, telling))
    assert len(found) == 1
    assert all(np.isfinite(bits) and abs(bits) <= MOST_BITS + 1e-6 for bits in found.values())


@pytest.mark.parametrize("contact", [31.0, 45.0, 55.0, 75.0])
def test_experience_wins_over_however_much_was_assumed(contact):
    """A family shares mail, phone, street and surname: all of its pairs contradict each other in what they tell."""
    found = calibrate(np.full(5000, contact), np.full(5000, -12.0))
    assert all(bits < -3 for bits in found.values())
