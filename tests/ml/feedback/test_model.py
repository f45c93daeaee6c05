from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

from ml.feedback.evaluate import back_test, calibration_error, measures
from ml.feedback.job import score_frame, train, version_of
from ml.feedback.model import FeedbackReader
from ml.feedback.seeds import seeds

COLUMNS = ["text_key", "text", "language", "first_said_at", "rated_sentiment", "rating_weight"]
SAID = {
    "en": {
        "positive": ["the staff were kind", "a bargain", "it came early", "beautifully made"],
        "negative": ["the staff were rude", "far too expensive", "it came late", "it fell apart"],
        "neutral": ["is there a discount", "when will it be sent", "who do I talk to"],
    },
    "zh": {
        "positive": ["客服很热情", "价格划算", "快递很快", "质量很好"],
        "negative": ["客服态度差", "价格太贵", "快递太慢", "质量太差"],
        "neutral": ["有优惠吗", "什么时候发货", "怎么联系客服"],
    },
}
ENDINGS = {"en": ["", " today", " again", " as always", " I think"], "zh": ["。", "呢", "，真的", "，这次", "，又是"]}


def rated(count: int = 900, seed: int = 7) -> pd.DataFrame:
    """Rated texts of both languages, each with a number that makes it distinct."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        language = str(random.choice(["en", "zh"]))
        sentiment = str(random.choice(["negative", "neutral", "positive"]))
        phrases = SAID[language][sentiment]
        text = f"{phrases[random.integers(len(phrases))]}{ENDINGS[language][random.integers(5)]} {number}"
        said = datetime(2024, 1, 1, tzinfo=timezone.utc) + timedelta(hours=number)
        rows.append((f"{random.integers(1 << 60):015x}", text, language, said, sentiment, 1.0))
    return pd.DataFrame(rows, columns=COLUMNS)


def nothing() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS})


def texts(*values: object) -> pd.DataFrame:
    return pd.DataFrame({"text_key": [str(n) for n in range(len(values))], "text": list(values), "language": None})


@pytest.fixture(scope="module")
def reader() -> FeedbackReader:
    return FeedbackReader().fit(rated())


@pytest.fixture(scope="module")
def first_night() -> FeedbackReader:
    return FeedbackReader().fit(nothing())


def test_what_customers_rated_is_learned(reader):
    assert reader.is_fallback_ == {"en": False, "zh": False}
    told = reader.read(texts("the staff were rude once more", "客服很热情哦", "什么时候发货呀"), 0.6)
    assert told["sentiment"].tolist() == ["negative", "positive", "neutral"]
    assert told["theme"].tolist() == ["service", "service", "delivery"]


def test_the_first_night_reads_by_what_is_shipped(first_night):
    assert first_night.is_fallback_ == {"en": True, "zh": True}
    told = first_night.read(
        texts(
            "this is the worst camera i ever had", "a great camera , i love it", "质量太差了，很失望", "非常满意，推荐"
        ),
        0.5,
    )
    assert told["sentiment"].tolist() == ["negative", "positive", "negative", "positive"]


@pytest.mark.parametrize("text", ["", None, "😡", "Привет, мир", "12 34", "https://a.example/b", "\u200b"])
def test_what_cannot_be_read_is_unknown_and_never_missing(reader, text):
    told = reader.read(texts(text), 0.6).iloc[0]
    assert (told["sentiment"], told["sentiment_confidence"], told["theme"]) == ("unknown", 0.0, "other")
    assert told["themes"] == ("other",)


def test_below_the_threshold_a_feeling_is_unknown_and_keeps_its_confidence(reader):
    read = reader.read(texts("the staff were rude"), 0.6).iloc[0]
    doubted = reader.read(texts("the staff were rude"), 1.01).iloc[0]
    assert doubted["sentiment"] == "unknown"
    assert doubted["sentiment_confidence"] == read["sentiment_confidence"] > 0.6


def test_a_text_may_speak_of_several_needs(reader):
    told = reader.read(texts("质量很好，但是快递太慢", "good quality and the delivery was quick"), 0.5)
    assert [set(themes) for themes in told["themes"]] == [{"quality", "delivery"}] * 2


def test_rows_in_any_order_give_the_same_bits(reader):
    rows = rated()
    shuffled = FeedbackReader().fit(rows.sample(frac=1, random_state=2))
    unread = texts(*rows["text"][:50])
    pd.testing.assert_frame_equal(shuffled.read(unread, 0.6), reader.read(unread, 0.6), check_exact=True)
    backwards = reader.read(unread[::-1], 0.6)[::-1]
    pd.testing.assert_frame_equal(backwards, reader.read(unread, 0.6), check_exact=True)


def test_one_sentiment_only_is_too_little_to_learn_from():
    rows = rated().query("rated_sentiment == 'positive'")
    assert FeedbackReader().fit(rows).is_fallback_ == {"en": True, "zh": True}


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="rating_weight"):
        FeedbackReader().fit(rated().drop(columns="rating_weight"))
    with pytest.raises(ValueError, match="language"):
        FeedbackReader().fit(rated()).read(pd.DataFrame({"text": ["x"]}), 0.5)


def test_the_version_knows_what_was_learned_and_nothing_else():
    rows = rated(50)
    version = version_of(rows, 0.6)
    assert version_of(rows.sample(frac=1, random_state=1), 0.6) == version
    assert version_of(rows, 0.7) != version
    changed = rows.copy()
    changed.loc[0, "rated_sentiment"] = None
    assert version_of(changed, 0.6) != version


def test_the_fit_tells_what_is_lent():
    _, fit = train(rated(60), "feedback-1-x")
    assert fit.is_fallback
    assert "Too few for en and zh" in fit.note
    assert fit.model_version == "feedback-1-x"
    assert set(fit.metrics) == {"count_rated_en", "count_rated_zh"}


def test_rows_for_the_warehouse_have_no_text(reader):
    unread = texts("质量很好，但是快递太慢", "").assign(scored_at=pd.Timestamp("2024-03-06", tz="UTC"))
    frame = score_frame(reader, unread, 0.5, "feedback-1-x")
    assert "text" not in frame
    assert sorted(sorted(themes.split("|")) for themes in frame["themes"]) == [["delivery", "quality"], ["other"]]
    assert frame.notna().all().all()


def test_a_back_test_learns_from_the_past_only():
    rows = rated()
    cuts = [datetime(2024, 1, day, tzinfo=timezone.utc) for day in (1, 22, 29)]
    measured = back_test(rows, cuts, 0.5)
    # Nothing was said before the first cut.
    assert measured["cut"].tolist() == cuts[1:]
    assert measured["count_texts"].tolist() == [168.0, 228.0]
    assert (measured["accuracy_told"] > 0.9).all()
    # Ratings that say the opposite from a date on are not foreseen.
    turned = rows.copy()
    after = turned["first_said_at"] >= cuts[2]
    swap = {"positive": "negative", "negative": "positive", "neutral": "neutral"}
    turned.loc[after, "rated_sentiment"] = turned.loc[after, "rated_sentiment"].map(swap)
    assert back_test(turned, cuts, 0.5)["accuracy_told"].iloc[1] < 0.5


def test_measures_by_hand():
    told = pd.DataFrame(
        {"sentiment": ["positive", "unknown", "negative", "negative"], "sentiment_confidence": [0.9, 0.4, 0.9, 0.7]}
    )
    found = measures(told, pd.Series(["positive", "positive", "positive", "negative"]))
    assert found["share_told"] == 0.75
    assert found["accuracy_told"] == pytest.approx(2 / 3)
    # |1/2 - 0.9| * 2/3 + |1 - 0.7| * 1/3
    assert found["calibration_error"] == pytest.approx(0.4 * 2 / 3 + 0.3 / 3)
    assert np.isnan(calibration_error(np.array([]), np.array([])))


def test_shipped_texts_have_one_sentiment_each():
    for language in ("en", "zh"):
        frame = seeds(language)
        assert frame["text"].is_unique
        assert set(frame["sentiment"]) == {"negative", "neutral", "positive"}
        assert frame["weight"].between(0, 1).all()
