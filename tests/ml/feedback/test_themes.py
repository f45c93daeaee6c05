from __future__ import annotations

import numpy as np
import pytest

from ml.feedback.lexicon import patterns, shipped
from ml.feedback.text import fold
from ml.feedback.themes import OTHER, ThemeClassifier

THEMES = {"delivery", "quality", "service", "wrong_item", "price", "range", "website"}


def test_each_need_has_words_in_both_languages():
    assert set(shipped().themes) == THEMES
    for words in shipped().themes.values():
        assert len(words["en"]) >= 8
        assert len(words["zh"]) >= 8
        # A word that folding changes would never be found.
        assert [word for word in words["en"] + words["zh"] if fold(word) != word] == []


@pytest.mark.parametrize(
    ("language", "text", "theme"),
    [
        ("en", "the courier lost it", "delivery"),
        ("en", "it is defective", "quality"),
        ("en", "rude staff", "service"),
        ("en", "you sent the wrong colour of lamp", "wrong_item"),
        ("en", "overcharged again", "price"),
        ("en", "sold out once more", "range"),
        ("en", "i cannot log in", "website"),
        ("en", "thanks a lot", OTHER),
        ("en", "a courageous relationship", OTHER),
        ("zh", "快递太慢", "delivery"),
        ("zh", "做工粗糙", "quality"),
        ("zh", "客服不理人", "service"),
        ("zh", "发错货了", "wrong_item"),
        ("zh", "太贵了", "price"),
        ("zh", "一直缺货", "range"),
        ("zh", "网站登录不了", "website"),
        ("zh", "谢谢", OTHER),
    ],
)
def test_words_give_a_need_away(language, text, theme):
    told = ThemeClassifier(language).fit([]).themes([text])[0]
    assert told[0] == theme or (theme == "wrong_item" and theme in told)


def test_words_are_whole_words_in_english():
    assert patterns("en")["website"].search("the apple") is None
    assert patterns("en")["delivery"].findall("delivered by couriers, delivery late") == [
        "delivered",
        "delivery",
        "late",
    ]


def taught() -> ThemeClassifier:
    """Forty texts of each of two needs, each with a companion word that the lexicon does not know."""
    random = np.random.default_rng(1)
    texts = [f"the courier was at the gate {n} on {random.integers(99)}" for n in range(40)]
    texts += [f"too expensive for my purse {n} on {random.integers(99)}" for n in range(40)]
    return ThemeClassifier("en").fit(texts)


def test_the_company_of_words_is_learned():
    model = taught()
    assert model.predict(["who was at the gate", "for my purse"]).tolist() == ["delivery", "price"]
    # Words of the lexicon come before what their company says.
    assert model.themes(["staff at the gate"]) == [("service",)]


def test_where_the_lexicon_finds_several_their_company_orders_them():
    model = taught()
    first, second = model.themes(["courier, expensive, for my purse", "expensive, courier, was at the gate"])
    assert first == ("price", "delivery")
    assert second == ("delivery", "price")


def test_too_few_texts_leave_the_words_alone():
    model = ThemeClassifier("en").fit(["the courier came", "too expensive"])
    assert model.company_ is None
    assert model.themes(["courier", "nothing"]) == [("delivery",), (OTHER,)]
    assert model.themes([]) == []


def test_the_words_that_gave_a_need_away_are_not_learned():
    words = dict(taught().company_.views_[0].transformer_list)["words"].vocabulary_
    assert "gate" in words
    assert "courier" not in words
