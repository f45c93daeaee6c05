"""Texts to learn from before a customer has rated feedback of its own; licences are beside the files.

English: review sentences with ratings by people (amazon_snippets.LICENSE). Chinese: the project's own words, with the
usual words of degree and negation around them.
"""

from __future__ import annotations

from importlib import resources

import pandas as pd

from ml.feedback.lexicon import shipped
from ml.feedback.text import fold

CLEAR = 0.5  # ratings nearer to 0 than this, on a scale from -4 to 4, are neutral
DEGREES = ("{}", "很{}", "太{}了", "真的{}", "非常{}", "有点{}", "{}！", "觉得{}。")
NEGATIONS = ("不{}", "没有{}", "一点都不{}", "不是很{}")
NEUTRAL_FRAMES = ("{}", "{}？", "你好，{}", "{}，谢谢。")


def seeds(language: str) -> pd.DataFrame:
    """Columns text (folded), sentiment and weight (0 to 1), ordered by text."""
    rows = _english() if language == "en" else _chinese()
    frame = pd.DataFrame(rows, columns=["text", "sentiment", "weight"])
    frame["text"] = frame["text"].map(fold)
    return frame.drop_duplicates("text").sort_values("text", ignore_index=True)


def _english() -> list[tuple[str, str, float]]:
    text = resources.files("ml.feedback").joinpath("amazon_snippets.tsv").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in text.splitlines()]
    return [(sentence, *_rated(float(rating))) for _, rating, sentence in lines]


def _rated(rating: float) -> tuple[str, float]:
    if abs(rating) < CLEAR:
        return "neutral", 0.5
    return ("positive" if rating > 0 else "negative"), abs(rating) / 4


def _chinese() -> list[tuple[str, str, float]]:
    words = shipped().sentiment["zh"]
    rows = [
        (frame.format(word), name, 1.0)
        for name in ("positive", "negative")
        for word in words[name]
        for frame in DEGREES
    ]
    rows += [(frame.format(word), "negative", 0.5) for word in words["positive"] for frame in NEGATIONS]
    return rows + [(frame.format(word), "neutral", 1.0) for word in words["neutral"] for frame in NEUTRAL_FRAMES]
