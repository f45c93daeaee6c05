"""Character n-grams of many texts at once: each is one integer, so that counting them is sorting and looking up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

Ints = npt.NDArray[np.int64]
Columns = npt.NDArray[np.integer[Any]]
KEY_BITS = 63
PAIR_BITS = 11  # of the commonest 2,047 characters: what all pairs of these may be fits into a table of 16 MB
BATCH = 2_000  # texts; arrays of more are asked of the system each time anew, which takes as long as the work


class NothingToCountError(ValueError):
    """No n-gram is in enough texts."""


class CharNgrams(TransformerMixin, BaseEstimator):
    """How often each text has each n-gram of characters: the counts of scikit-learn's CountVectorizer, sooner.

    A character is its number in the alphabet that was seen, from 1 on; an n-gram is these numbers side by side in the
    bits of one integer. Texts are read as they are: neither spaces nor letters are brought into another form.

    Parameters
    ----------
    longest
        Characters of the longest n-gram; all shorter ones are counted too.
    least_texts
        N-grams of fewer texts are left out.

    Attributes
    ----------
    alphabet_
        Code points in order; of more than fit into the bits the rarest are left out.
    grams_
        The n-grams as integers, in order: the columns.
    """

    def __init__(self, longest: int = 4, least_texts: int = 1) -> None:
        self.longest = longest
        self.least_texts = least_texts

    def fit(self, X: Sequence[str], y: object = None) -> CharNgrams:  # noqa: N803
        """Find the alphabet and the n-grams.

        Raises
        ------
        NothingToCountError
            If no n-gram is in enough texts.
        """
        self.alphabet_ = self._alphabet(X)
        grams, counts = np.empty(0, np.int64), np.empty(0, np.int64)
        for batch in _batches(X):
            texts, keys = self._keys(batch)
            found, columns = np.unique(keys, return_inverse=True)
            in_texts = np.bincount(_counts(texts, columns, (len(batch), len(found))).indices, minlength=len(found))
            grams, counts = _added(np.concatenate([grams, found]), np.concatenate([counts, in_texts]))
        self.grams_ = grams[counts >= self.least_texts]
        if not len(self.grams_):
            raise NothingToCountError(f"no n-gram of characters is in at least {self.least_texts} of {len(X)} texts")
        return self

    def transform(self, X: Sequence[str]) -> sp.csr_matrix:  # noqa: N803
        """Counts, texts by n-grams, float32."""
        check_is_fitted(self, "grams_")
        column_of = self._lookup()
        return sp.vstack([self._counted(batch, column_of) for batch in _batches(X)], format="csr")

    def _lookup(self) -> Callable[[Ints], Columns]:
        """Tells the column of each n-gram, -1 where there is none."""
        known = pd.Index(self.grams_)  # a hash table: several times as fast as searching the ordered keys
        return lambda keys: known.get_indexer(pd.Index(keys))

    def _counted(self, batch: Sequence[str], column_of: Callable[[Ints], Columns]) -> sp.csr_matrix:
        texts, keys = self._keys(batch)
        columns = column_of(keys)
        is_known = columns >= 0
        return _counts(texts[is_known], columns[is_known], (len(batch), len(self.grams_)))

    def _alphabet(self, texts: Sequence[str]) -> Ints:
        points, counts = np.empty(0, np.int64), np.empty(0, np.int64)
        for batch in _batches(texts):
            found, more = np.unique(_code_points("".join(batch)), return_counts=True)
            points, counts = _added(np.concatenate([points, found]), np.concatenate([counts, more]))
        room = (1 << self._bits) - 1
        return np.sort(points[np.argsort(-counts, kind="stable")[:room]])

    @property
    def _bits(self) -> int:
        return KEY_BITS // self.longest

    def _keys(self, batch: Sequence[str]) -> tuple[Ints, Ints]:
        """The text and the integer of each n-gram; those with a character outside the alphabet are left out."""
        texts, letters = self._letters(batch)
        keys, is_whole = letters, letters > 0
        found = [(texts[is_whole], keys[is_whole])]
        for length in range(2, self.longest + 1):
            ends = letters[length - 1 :]
            keys = (keys[: len(ends)] << self._bits) | ends
            is_whole = is_whole[: len(ends)] & (ends > 0) & (texts[: len(ends)] == texts[length - 1 :])
            found.append((texts[: len(ends)][is_whole], keys[is_whole]))
        return np.concatenate([one for one, _ in found]), np.concatenate([one for _, one in found])

    def _letters(self, batch: Sequence[str]) -> tuple[Ints, Ints]:
        """The text and the number of each character of a batch, in order; 0 outside the alphabet."""
        numbers = np.zeros(int(self.alphabet_.max(initial=0)) + 2, dtype=np.int64)
        numbers[self.alphabet_] = np.arange(1, len(self.alphabet_) + 1)
        points = np.minimum(_code_points("".join(batch)), len(numbers) - 1)
        return np.repeat(np.arange(len(batch)), [len(text) for text in batch]), numbers[points]


class CharPairs(CharNgrams):
    """How often each text has each two characters that stand, in this order, from 2 to `farthest` places apart.

    What stands between them does not matter: 不 and 好 meet across 太 and across 是很. Of many characters the rarest
    have no pairs.

    Parameters
    ----------
    farthest
        The most places; two side by side, 1 apart, are an n-gram.
    least_texts
        Pairs of fewer texts are left out.
    """

    def __init__(self, farthest: int = 20, least_texts: int = 1) -> None:
        self.farthest = farthest
        self.least_texts = least_texts

    @property
    def _bits(self) -> int:
        return PAIR_BITS

    def _lookup(self) -> Callable[[Ints], Columns]:
        table = np.full(1 << 2 * self._bits, -1, dtype=np.int32)
        table[self.grams_] = np.arange(len(self.grams_))
        return lambda keys: table[keys]

    def _keys(self, batch: Sequence[str]) -> tuple[Ints, Ints]:
        texts, letters = self._letters(batch)
        found = [(texts[:0], letters[:0])]
        for apart in range(2, self.farthest + 1):
            first, second = letters[:-apart], letters[apart:]
            is_pair = (first > 0) & (second > 0) & (texts[:-apart] == texts[apart:])
            found.append((texts[:-apart][is_pair], ((first << self._bits) | second)[is_pair]))
        return np.concatenate([one for one, _ in found]), np.concatenate([one for _, one in found])


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, max(len(texts), 1), BATCH):
        yield texts[start : start + BATCH]


def _code_points(text: str) -> Ints:
    # A lone surrogate is no character, and still a text that somebody may send.
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)


def _added(keys: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Each key once, with the sum of its counts."""
    unique, place = np.unique(keys, return_inverse=True)
    return unique, np.bincount(place, weights=counts, minlength=len(unique)).astype(np.int64)


def _counts(rows: Ints, columns: Columns, shape: tuple[int, int]) -> sp.csr_matrix:
    """How often each pair of row and column is there."""
    bits = shape[1].bit_length()  # both in one integer: sorting these takes half the time of summing a sparse matrix
    both = (rows << bits) | columns
    if shape[0] << bits <= 1 << 32:
        both = both.astype(np.uint32)  # half the time again
    places, counts = np.unique(both, return_counts=True)
    begins = np.append(np.searchsorted(places, (np.arange(shape[0]) << bits).astype(both.dtype)), len(places))
    return sp.csr_matrix((counts.astype(np.float32), places & ((1 << bits) - 1), begins), shape=shape)
