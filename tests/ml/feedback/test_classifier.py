from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from ml.feedback.classifier import TextClassifier
from ml.feedback.themes import ThemeClassifier
from ml.feedback.views import Clause


@parametrize_with_checks([TextClassifier(), ThemeClassifier()])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def sentences(count: int = 300, seed: int = 3) -> tuple[list[str], np.ndarray]:
    """Texts whose label is that of their one telling word, with one in ten turned over."""
    random = np.random.default_rng(seed)
    words = {"positive": ["lovely", "bargain", "quick"], "negative": ["broken", "late", "rude"]}
    labels = random.choice(["negative", "positive"], count)
    texts = [f"item {random.integers(1000)} was {random.choice(words[label])} today" for label in labels]
    turned = random.random(count) < 0.1
    return texts, np.where(turned, np.where(labels == "positive", "negative", "positive"), labels)


def test_what_is_told_is_learned_and_probabilities_may_be_believed():
    texts, labels = sentences()
    model = TextClassifier("en").fit(texts, labels)
    assert model.predict(["a lovely thing", "it is broken"]).tolist() == ["positive", "negative"]
    sure = model.predict_proba(["item 5 was late today"])[0].max()
    # One label in ten is turned over: nobody can be much surer than that.
    assert 0.8 < sure < 0.96
    assert 0.85 < model.unseen_accuracy_ < 0.95


def test_three_labels():
    texts = ["good lamp", "bad lamp", "how much is the lamp"] * 5
    labels = np.array(["positive", "negative", "neutral"] * 5)
    model = TextClassifier("en").fit(texts, labels)
    assert model.predict(texts[:3]).tolist() == ["positive", "negative", "neutral"]
    np.testing.assert_allclose(model.predict_proba(texts).sum(axis=1), 1.0)


def test_the_same_texts_give_the_same_bits():
    texts, labels = sentences()
    first = TextClassifier("en").fit(texts, labels).predict_proba(texts)
    again = clone(TextClassifier("en")).fit(texts, labels).predict_proba(texts)
    assert (first == again).all()
    # Each text by itself, as on a night with one new text.
    alone = np.vstack([TextClassifier("en").fit(texts, labels).predict_proba([text]) for text in texts[:3]])
    assert (alone == first[:3]).all()


def test_a_chinese_text_is_told_by_characters_that_stand_apart():
    """不 comes before 好 or after it, with others between and around: no n-gram knows which."""
    random = np.random.default_rng(5)
    labels = np.array(["negative", "positive"] * 200)
    texts = [
        f"{_drawn(random, 14)}{'不' if bad else '好'}{_drawn(random, 5)}{'好' if bad else '不'}{_drawn(random, 14)}"
        for bad in labels == "negative"
    ]
    models = [TextClassifier("zh", is_whole_only=one).fit(texts[:300], labels[:300]) for one in (False, True)]
    right, right_of_whole = [(model.predict(texts[300:]) == labels[300:]).mean() for model in models]
    assert [len(model.views_) for model in models] == [4, 1]
    assert right > 0.95
    assert right_of_whole < 0.7


def test_a_long_chinese_text_is_told_by_its_first_and_its_last_clause():
    """Each clause ends in 好 or 不, and those between in either."""
    random = np.random.default_rng(6)
    labels = np.array(["negative", "positive"] * 200)
    texts = []
    for told in np.where(labels == "negative", "不", "好"):
        ends = [told, *_drawn(random, 20, "好不"), told]
        texts.append(",".join(_drawn(random, 3) + end for end in ends))
    models = [TextClassifier("zh", is_whole_only=one).fit(texts[:300], labels[:300]) for one in (False, True)]
    right, right_of_whole = [(model.predict(texts[300:]) == labels[300:]).mean() for model in models]
    assert right > 0.95
    assert right_of_whole < 0.8


def test_a_clause_ends_with_any_punctuation_and_may_be_empty():
    texts = ["很好,下次再来!", "!!好 吃。", "没有标点", "。。", ""]
    assert Clause().transform(texts) == ["很好", "好", "没有标点", "", ""]
    assert Clause(is_last=True).transform(texts) == ["下次再来", "吃", "没有标点", "", ""]


def _drawn(random, count, letters="天地人日月山水火木金土"):
    return "".join(random.choice(list(letters), count))


def test_texts_of_one_character_have_no_pairs_and_are_read():
    model = TextClassifier("zh").fit(["好", "差"] * 5, np.array(["positive", "negative"] * 5))
    assert model.predict(["差", "好"]).tolist() == ["negative", "positive"]
    assert len(model.views_) == 3


@pytest.mark.parametrize(
    ("texts", "labels", "words"),
    [
        (["a", "b"], ["x", "x"], "1 classes"),
        (["a", "b", "c"], ["x", "x", "y"], "the rarest 1"),
        (["a", "b", "c"], ["x", "y"], "3 texts and 2 labels"),
        ([1.0, 2.0], ["x", "y"], "sequence of texts"),
    ],
)
def test_what_cannot_be_learned_from_is_told(texts, labels, words):
    with pytest.raises(ValueError, match=words):
        TextClassifier("en").fit(texts, np.array(labels))


def test_no_text_has_no_probability():
    texts, labels = sentences(60)
    assert TextClassifier("en").fit(texts, labels).predict_proba([]).shape == (0, 2)


def test_a_model_survives_its_file():
    io = pytest.importorskip("skops.io")
    texts, labels = sentences(80)
    model = TextClassifier("en").fit(texts, labels)
    again = io.loads(io.dumps(model), trusted=["ml.feedback.classifier.TextClassifier", "numpy.dtype"])
    assert (again.predict_proba(texts) == model.predict_proba(texts)).all()
