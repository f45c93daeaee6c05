"""Character n-grams of many texts at once: each is one integer, so that counting them is sorting and searching."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

Ints = npt.NDArray[np.int64]
KEY_BITS = 63
BATCH = 20_000  # texts; bounds the memory for their n-grams


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
        ValueError
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
            raise ValueError(f"no n-gram of characters is in at least {self.least_texts} of {len(X)} texts")
        return self

    def transform(self, X: Sequence[str]) -> sp.csr_matrix:  # noqa: N803
        """Counts, texts by n-grams, float32."""
        check_is_fitted(self, "grams_")
        return sp.vstack([self._counted(batch) for batch in _batches(X)], format="csr")

    def _counted(self, batch: Sequence[str]) -> sp.csr_matrix:
        texts, keys = self._keys(batch)
        columns = np.searchsorted(self.grams_, keys).clip(max=len(self.grams_) - 1)
        is_known = self.grams_[columns] == keys
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
        points = _code_points("".join(batch))
        places = np.searchsorted(self.alphabet_, points).clip(max=len(self.alphabet_) - 1)
        letters = np.where(self.alphabet_[places] == points, places + 1, 0)
        texts = np.repeat(np.arange(len(batch)), [len(text) for text in batch])
        keys, is_whole = letters, letters > 0
        found = [(texts[is_whole], keys[is_whole])]
        for length in range(2, self.longest + 1):
            ends = letters[length - 1 :]
            keys = (keys[: len(ends)] << self._bits) | ends
            is_whole = is_whole[: len(ends)] & (ends > 0) & (texts[: len(ends)] == texts[length - 1 :])
            found.append((texts[: len(ends)][is_whole], keys[is_whole]))
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


def _counts(rows: Ints, columns: Ints, shape: tuple[int, int]) -> sp.csr_matrix:
    """How often each pair of row and column is there."""
    return sp.csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
