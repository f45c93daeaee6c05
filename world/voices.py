"""Which experiences are spoken of, and where: every order has at most one voice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from world.chunk import Chunk
from world.experience import THEMES
from world.span import DAY
from world.texts.say import say

Ints = npt.NDArray[np.int64]
CHANNELS = ("tickets", "calls", "chats", "complaints", "posts", "reviews", "cases", "nps")
# Chance of each channel by sentiment; what is left to 1 stays unspoken.
CHANCES = {
    -1: (0.20, 0.08, 0.09, 0.06, 0.06, 0.07, 0.10, 0.05),
    0: (0.022, 0.008, 0.014, 0.0, 0.008, 0.01, 0.006, 0.03),
    1: (0.02, 0.008, 0.02, 0.0, 0.07, 0.12, 0.01, 0.09),
}
SERVICE = THEMES.index("service")


@dataclass(frozen=True)
class Voices:
    """What was said on one channel; one element a text, `order` is the order it is about (-1: none)."""

    who: Ints
    order: Ints
    at: Ints
    sentiment: Ints
    theme: Ints
    is_chinese: npt.NDArray[np.bool_]
    text: list[str]
    number: Ints  # unique over all chunks, per channel

    def __len__(self) -> int:
        return len(self.who)


def heard(chunk: Chunk, channel: str) -> Voices:
    """The voices of one of CHANNELS."""
    experiences, orders = chunk.experiences, chunk.orders
    chances = np.array([CHANCES[-1], CHANCES[0], CHANCES[1]])[experiences.sentiment + 1]
    draw = chunk.rng("voices").random((len(orders), 1))
    place = (draw > np.cumsum(chances, axis=1)).sum(axis=1)
    chosen = np.flatnonzero(place == CHANNELS.index(channel))
    rng = chunk.rng(f"voices {channel}")
    at = experiences.felt_at[chosen] + (rng.exponential(1.2, len(chosen)) * DAY).astype(np.int64)
    return speak(
        chunk, rng, orders.customer[chosen], at, experiences.sentiment[chosen], experiences.theme[chosen], chosen
    )


def speak(
    chunk: Chunk, rng: np.random.Generator, who: Ints, at: Ints, sentiment: Ints, theme: Ints, order: Ints | None = None
) -> Voices:
    """Put into words; those with a Chinese name mostly write Chinese."""
    order = np.full(len(who), -1) if order is None else order
    u = rng.random(len(who))
    is_chinese = np.where(chunk.people.is_chinese[who], u < 0.88, u < 0.01)
    product = np.where(order >= 0, np.append(chunk.order_product, -1)[order], -1)
    text = say(rng, is_chinese, sentiment, theme, product, chunk.goods)
    # Fewer texts than this on a channel come from one chunk; see PEOPLE_PER_CHUNK.
    number = chunk.number * 1_000_000 + np.arange(len(who))
    return Voices(who, order, at, sentiment, theme, is_chinese, text, number)


def order_numbers(chunk: Chunk, voices: Voices, rng: np.random.Generator, known: float) -> list[str | None]:
    """The invoice number of each voice's order, where it was given."""
    gives = (rng.random(len(voices)) < known) & (voices.order >= 0)
    return np.where(gives, np.append(chunk.order_number, "")[voices.order], None).tolist()
