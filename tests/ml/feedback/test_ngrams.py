"""Counts of character n-grams and pairs: those of scikit-learn's CountVectorizer, whatever the texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

import ml.feedback.ngrams as ngrams
from ml.feedback.ngrams import CharNgrams, CharPairs, NothingToCountError, _counts

# Letters that repeat, of one to four bytes, so that n-grams meet again.
TEXTS = st.lists(st.text("ab c很好\U00020000😀", max_size=12), min_size=1, max_size=12)


def counted(taught, asked, parts_of, least_texts):
    """By scikit-learn: text by n-gram."""
    peer = CountVectorizer(analyzer=parts_of, min_df=least_texts).fit(taught)
    names = peer.get_feature_names_out()
    return [{name: n for name, n in zip(names, row, strict=True) if n} for row in peer.transform(asked).toarray()]


def grams_of(text, longest):
    return [text[at : at + n] for n in range(1, longest + 1) for at in range(len(text) - n + 1)]


def pairs_of(text, farthest):
    return [text[at] + text[at + n] for n in range(2, farthest + 1) for at in range(len(text) - n)]


def ours(model, taught, asked):
    model.fit(taught)
    return [
        {read(model, key): n for key, n in zip(model.grams_, row, strict=True) if n}
        for row in model.transform(asked).toarray()
    ]


def read(model, key):
    bits, letters = model._bits, []
    while key:
        letters.append(chr(model.alphabet_[int(key) % (1 << bits) - 1]))
        key = int(key) >> bits
    return "".join(reversed(letters))


@given(TEXTS, TEXTS, st.integers(1, 5), st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_it_counts_what_scikit_learn_counts(taught, asked, longest, least_texts):
    model = CharNgrams(longest, least_texts)
    compare(model, taught, asked, lambda text: grams_of(text, longest), least_texts)


@given(TEXTS, TEXTS, st.integers(2, 9), st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_pairs_are_those_that_scikit_learn_counts(taught, asked, farthest, least_texts):
    model = CharPairs(farthest, least_texts)
    compare(model, taught, asked, lambda text: pairs_of(text, farthest), least_texts)


def compare(model, taught, asked, parts_of, least_texts):
    try:
        expected = counted(taught, asked, parts_of, least_texts)
    except ValueError:
        with pytest.raises(NothingToCountError, match="no n-gram of characters is in at least"):
            model.fit(taught)
    else:
        assert ours(model, taught, asked) == expected


def test_texts_come_in_batches_and_say_the_same(monkeypatch):
    texts = [f"{a}很{b}" for a in "abc" for b in "abc"]
    whole = CharNgrams(3, 2).fit(texts)
    monkeypatch.setattr(ngrams, "BATCH", 2)
    parts = CharNgrams(3, 2).fit(texts)
    assert np.array_equal(whole.grams_, parts.grams_)
    assert (whole.transform(texts) != parts.transform(texts)).nnz == 0


def test_of_too_many_characters_the_rarest_are_left_out(monkeypatch):
    monkeypatch.setattr(ngrams, "KEY_BITS", 4)  # two n-grams of two bits each: three characters
    model = CharNgrams(2).fit(["aab", "bbc", "cd"])
    assert "".join(map(chr, model.alphabet_)) == "abc"
    assert model.transform(["d"]).nnz == 0
    assert model.transform(["dab"]).sum() == 3  # a, b, ab


def test_no_texts_and_half_a_character_are_no_errors():
    model = CharNgrams(2).fit(["ab"])
    assert model.transform([]).shape == (0, 3)
    assert model.transform(["", "\ud800", "ab"]).sum(axis=1).ravel().tolist() == [[0.0, 0.0, 3.0]]


def test_counts_of_very_many_columns_are_the_same():
    """Row and column do not fit into 32 bits then."""
    rows, columns = np.array([0, 2, 2, 2]), np.array([5, 0, 9, 9])
    few, many = (_counts(rows, columns, (3, count)) for count in (10, 1 << 33))
    assert (many[:, :10] != few).nnz == 0
    assert few.toarray().tolist() == [[0, 0, 0, 0, 0, 1, 0, 0, 0, 0], [0] * 10, [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]]
