from __future__ import annotations

import numpy as np
import pytest

from ml.identity.calibrate import MOST_BITS, STEP, Calibration, Outcomes, calibrate

# What the telling comparison comes out as among pairs of one person and among those of two: same, alike, different.
SAME = np.array([0.90, 0.07, 0.03])
STRANGERS = np.array([0.01, 0.04, 0.95])
WEIGHT = np.log2(SAME / STRANGERS)
NAME = {"name": Outcomes(WEIGHT, SAME, STRANGERS)}
DIFFERENT = WEIGHT[2]


def simulate(shares: dict[float, float], count: int, seed: int = 1, strangers=STRANGERS):
    """`count` pairs for each contact part; `shares` says how many of them are one person."""
    random = np.random.default_rng(seed)
    contact = np.repeat(list(shares), count)
    is_same = random.random(len(contact)) < np.repeat(list(shares.values()), count)
    outcome = np.where(is_same, random.choice(3, len(contact), p=SAME), random.choice(3, len(contact), p=strangers))
    return contact, WEIGHT[outcome]


def steps_of(contact, telling) -> dict[int, float]:
    found = calibrate(contact, np.zeros(len(contact), np.int64), {"name": telling}, NAME)
    return {step: bits for (_, step), bits in found.steps.items()}


def with_name(pairs):
    contact, telling = pairs
    return contact, np.zeros(len(contact), np.int64), {"name": telling}, NAME


def share_of(bits):
    return 1 / (1 + 2.0**-bits)


def test_the_share_of_true_pairs_is_found_without_labels():
    # As in a household: 13 bits of shared contacts are mostly two people, whatever the sum of weights says.
    shares = {-5.0: 0.004, 1.0: 0.02, 7.0: 0.35, 13.0: 0.08, 21.0: 0.93}
    found = steps_of(*simulate(shares, 20_000))
    assert list(found) == [np.floor(contact / STEP) for contact in shares]
    for contact, share in shares.items():
        assert share_of(found[int(contact // STEP)]) == pytest.approx(share, abs=0.02)


def test_how_alike_strangers_in_contact_are_is_found_too():
    """A family gives its children like names: among those in contact a like name says less than among all."""
    family = np.array([0.01, 0.085, 0.905])
    found = calibrate(*with_name(simulate({1.0: 0.02, 7.0: 0.3, 13.0: 0.9}, 20_000, strangers=family)))
    weights = list(found.telling["name"].values())
    assert weights[1:] == pytest.approx(np.log2(SAME / family)[1:], abs=0.4)


def test_an_outcome_that_never_occurs_weighs_no_more_than_before():
    rare = {"name": Outcomes(np.array([8.9, 6.0, -5.0]), np.array([5e-4, 0.9, 0.0995]), np.array([1e-6, 0.01, 0.99]))}
    random = np.random.default_rng(1)
    telling = {"name": random.choice([6.0, -5.0], 5000, p=[0.3, 0.7])}
    found = calibrate(np.full(5000, 7.0), np.zeros(5000, np.int64), telling, rare).telling["name"]
    assert list(found.values())[0] <= np.log2(5e-4 / 1e-6) + 0.1


def test_what_agrees_counts_besides_how_much():
    """A shared mail address is one person's, a shared street and surname a family's, be their weights the same."""
    mail, street = simulate({7.0: 0.97}, 5000), simulate({7.0: 0.05}, 20_000)
    contact, telling = (np.concatenate(parts) for parts in zip(mail, street, strict=True))
    agreeing = np.repeat([1, 2], [5000, 20_000])
    found = calibrate(contact, agreeing, {"name": telling}, NAME).steps
    assert {key: share_of(bits) for key, bits in found.items()} == pytest.approx({(1, 3): 0.97, (2, 3): 0.05}, abs=0.02)


def test_true_pairs_whose_name_is_often_misspelt_are_not_taken_for_strangers():
    """Nearly all who share a mail address are one person; strangers who mostly agree there are not."""
    random = np.random.default_rng(3)
    outcome = np.concatenate([random.choice(3, 4750, p=[0.7, 0.27, 0.03]), random.choice(3, 250, p=STRANGERS)])
    assert share_of(steps_of(np.full(5000, 9.0), WEIGHT[outcome])[4]) > 0.9


def test_a_step_is_two_bits_wide():
    assert list(steps_of(np.array([-0.1, 0.0, 1.9, 2.0]), np.zeros(4))) == [-1, 0, 1]


@pytest.mark.parametrize("count", [1, 1000])
def test_pairs_that_tell_nothing_leave_what_was_assumed(count):
    assert steps_of(np.full(count, 9.0), np.zeros(count)) == pytest.approx({4: 9.0}, abs=0.01)


def test_one_pair_moves_less_than_many():
    one, many = (steps_of(np.full(count, 9.0), np.full(count, DIFFERENT))[4] for count in (1, 5000))
    assert 0 < one < 9
    assert many < -6


def test_no_pairs_teach_nothing():
    assert calibrate(np.empty(0), np.empty(0, np.int64), {"name": np.empty(0)}, NAME) == Calibration()


def test_the_order_of_pairs_does_not_count():
    contact, telling = simulate({3.0: 0.2, 9.0: 0.7}, 500)
    order = np.random.default_rng(2).permutation(len(contact))
    assert steps_of(contact[order], telling[order]) == steps_of(contact, telling)


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("contact", [-5000.0, -60.0, 60.0, 5000.0])
@pytest.mark.parametrize("telling", [*WEIGHT.tolist(), 0.0])
def test_extreme_weights_stay_numbers(contact, telling):
    found = calibrate(np.full(50, contact), np.zeros(50, np.int64), {"name": np.full(50, telling)}, NAME)
    bits = [*found.steps.values(), *found.telling["name"].values()]
    assert all(np.isfinite(bits))
    assert all(abs(step) <= MOST_BITS + 1e-6 for step in found.steps.values())


@pytest.mark.parametrize("contact", [31.0, 45.0, 55.0, 75.0])
def test_experience_wins_over_however_much_was_assumed(contact):
    """A family shares mail, phone, street and surname: nearly all of its pairs have different names."""
    random = np.random.default_rng(1)
    found = steps_of(np.full(5000, contact), random.choice(WEIGHT, 5000, p=STRANGERS))
    assert all(bits < -3 for bits in found.values())
