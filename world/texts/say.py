"""Sentences put together from phrases: an opening, one or two things to say of a theme, a closing; some with slips."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from world import noise
from world.experience import THEMES
from world.products import Catalogue
from world.texts import chinese, english

Ints = npt.NDArray[np.int64]
MIXED = {
    -1: ("so bad", "really disappointed", "no good"),
    0: ("thanks", "ok", "FYI"),
    1: ("very nice", "love it", "so good"),
}
SUBJECTS = {
    "zh": ("配送问题", "商品质量", "服务反馈", "发错货", "价格问题", "商品咨询", "网站问题"),
    "en": ("Delivery", "Product quality", "Your service", "Wrong item", "Price", "About your range", "Website"),
}


def say(
    rng: np.random.Generator,
    is_chinese: npt.NDArray[np.bool_],
    sentiment: Ints,
    theme: Ints,
    product: Ints,
    goods: Catalogue,
) -> list[str]:
    """One text each; `product` is a place in the catalogue, -1 where none is known."""
    draws = rng.random((len(theme), 8))
    rows = zip(is_chinese.tolist(), sentiment.tolist(), theme.tolist(), product.tolist(), draws.tolist(), strict=True)
    return [_say(goods, *row) for row in rows]


def _say(goods: Catalogue, is_chinese: bool, sentiment: int, theme: int, product: int, u: list[float]) -> str:
    words = chinese if is_chinese else english
    cores = words.CORES[THEMES[theme], sentiment]
    first = int(u[0] * len(cores))
    core = cores[first]
    if u[1] < 0.3:
        second = cores[(first + 1 + int(u[1] * 9973) % (len(cores) - 1)) % len(cores)]
        core = f"{core}，{second}" if is_chinese else f"{core} and {second}"
    openings = words.IRONIC if sentiment < 0 and u[7] < 0.04 else words.OPENINGS[sentiment]
    opening, closing = (
        openings[int(u[2] * len(openings))],
        words.CLOSINGS[sentiment][int(u[3] * len(words.CLOSINGS[sentiment]))],
    )
    text = f"{opening}{core}{closing}".format(p=_thing(goods, product, is_chinese), d=2 + int(u[4] * 12))
    if is_chinese:
        return f"{text} {MIXED[sentiment][int(u[5] * 3)]}" if u[6] < 0.06 else text
    text = text[0].upper() + text[1:]
    return noise.typo(text, u[5]) if u[6] < 0.08 else text


def _thing(goods: Catalogue, product: int, is_chinese: bool) -> str:
    if product < 0:
        return "东西" if is_chinese else "item"
    return str(goods.name_zh[product]) if is_chinese else str(goods.name[product]).strip().lower()


def subjects(is_chinese: npt.NDArray[np.bool_], theme: Ints) -> list[str]:
    """Subject lines by theme."""
    return [SUBJECTS["zh" if zh else "en"][kind] for zh, kind in zip(is_chinese.tolist(), theme.tolist(), strict=True)]


def scores(rng: np.random.Generator, sentiment: Ints, highest: int) -> Ints:
    """Stars (1 to 5) or a recommendation score (0 to 10, `highest` 10) that go with a sentiment.

    For ten, promoters give 9 or 10, passives 7 or 8, detractors 6 or less. Two in a hundred land one class away.
    """
    u = rng.random(len(sentiment))
    felt = np.where(u > 0.98, np.clip(sentiment + np.where(u > 0.99, 1, -1), -1, 1), sentiment)
    v = rng.random(len(sentiment))
    if highest == 10:
        return np.select([felt > 0, felt == 0], [9 + (v < 0.6), 7 + (v < 0.5)], (7 * v**0.8).astype(np.int64))
    return np.select([felt > 0, felt == 0], [4 + (v < 0.7), np.full(len(v), 3)], 1 + (v < 0.4))
