from __future__ import annotations

import pytest

from ml.feedback.text import fold, language_of


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  Good\n VALUE ", "good value"),
        ("質量很好，價錢便宜", "质量很好,价钱便宜"),
        ("Ｇｏｏｄ！！！！！！", "good!!!"),
        ("see https://shop.example/x?y=1 or a.b@shop.example", "see or"),
        (None, ""),
        (float("nan"), ""),
        ("", ""),
    ],
)
def test_equal_words_have_one_form(text, folded):
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "told", "language"),
    [
        ("the lamp broke", None, "en"),
        ("灯坏了", None, "zh"),
        ("质量不错 so good", None, "zh"),
        ("the 灯 I ordered is broken", None, "en"),
        ("la lampe est cassée", "fr", "unknown"),
        ("Привет, мир", None, "unknown"),
        ("Привет мир ok", None, "unknown"),
        ("😡😡👎", "zh", "unknown"),
        ("12345 !!", "en", "unknown"),
        ("", None, "unknown"),
    ],
)
def test_the_letters_tell_the_language(text, told, language):
    assert language_of(fold(text), told) == language
