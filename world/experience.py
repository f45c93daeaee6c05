"""What customers experience with their orders, drawn given the purchase process's decision to stay or leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from world.parameters import Parameters
from world.span import DAY

THEMES = ("delivery", "quality", "service", "wrong_item", "price", "range", "website")
# Which theme it was about, by sentiment; nobody is glad of a wrong item.
BAD = (0.30, 0.26, 0.14, 0.12, 0.10, 0.03, 0.05)
GOOD = (0.22, 0.28, 0.24, 0.00, 0.12, 0.10, 0.04)
RETURNABLE = (THEMES.index("quality"), THEMES.index("wrong_item"))


@dataclass(frozen=True)
class Experiences:
    """One element an order: sentiment -1, 0 or 1 (0: nothing to speak of), theme, and when it was felt (seconds)."""

    sentiment: npt.NDArray[np.int64]
    theme: npt.NDArray[np.int64]
    felt_at: npt.NDArray[np.int64]


def draw_experiences(
    rng: np.random.Generator,
    ordered_at: npt.NDArray[np.int64],
    is_last: npt.NDArray[np.bool_],
    parameters: Parameters,
) -> Experiences:
    """Draw an experience for each order; after a bad one customers are likelier to be gone."""
    count = len(ordered_at)
    bad = np.where(is_last, parameters.bad_if_drops, parameters.bad_if_stays)
    good = np.where(is_last, parameters.good_if_drops, parameters.good_if_stays)
    draws = rng.random(count)
    sentiment = np.where(draws < bad, -1, np.where(draws < bad + good, 1, 0))
    theme = np.where(sentiment < 0, rng.choice(len(THEMES), count, p=BAD), rng.choice(len(THEMES), count, p=GOOD))
    neutral = rng.integers(0, len(THEMES), count)
    wait = rng.gamma(3.0, 1.3, count) + 0.5
    return Experiences(sentiment, np.where(sentiment == 0, neutral, theme), ordered_at + (wait * DAY).astype(np.int64))
