"""Bytes of models: the same for the same model, refused when anything about them is not as it was."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import skops.io as skops
from sklearn.linear_model import LogisticRegression

from kehu.paths import PROJECT
from ml.churn.process import add_process
from ml.churn.question import KINDS, TRUSTED
from ml.churn.train import fit_churn, predict_churn
from ml.registry.files import RegistryError, digest, dump, load
from tests.ml.churn.worlds import labelled_rows

PRINT_DIGEST = """
from ml.churn.process import add_process
from ml.churn.train import fit_churn
from ml.registry.files import digest, dump
from tests.ml.churn.worlds import labelled_rows
print(digest(dump(fit_churn(add_process(labelled_rows())))))
"""


@pytest.fixture(scope="module")
def rows():
    return add_process(labelled_rows())


@pytest.fixture(scope="module")
def model(rows):
    return fit_churn(rows)


@pytest.fixture(scope="module")
def content(model):
    return dump(model)


def again(content, sha256=None):
    return load(content, sha256 or digest(content), TRUSTED, KINDS, "churn of a test")


def test_a_model_read_back_answers_with_the_same_bits(rows, model, content):
    kept = again(content)
    assert np.array_equal(predict_churn(kept, rows), predict_churn(model, rows))
    assert dump(kept) == content


def test_the_same_rows_give_the_same_bytes_in_another_process_and_order(rows, content):
    assert dump(fit_churn(rows.sample(frac=1, random_state=3))) == content
    done = subprocess.run([sys.executable, "-c", PRINT_DIGEST], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(content)


def test_one_number_more_gives_other_bytes(rows, content):
    assert dump(fit_churn(rows.iloc[:-1])) != content


def test_bytes_that_were_changed_are_refused(content):
    changed = bytearray(content)
    changed[len(changed) // 2] ^= 1
    with pytest.raises(RegistryError, match="have been changed"):
        again(bytes(changed), digest(content))


class Evil:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was loaded",))


def test_a_pickle_is_refused_even_with_the_right_hash():
    with pytest.raises(RegistryError, match="not a skops file"):
        again(pickle.dumps(Evil()))


def test_a_zip_that_hides_a_pickle_is_refused():
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("model.pkl", pickle.dumps(Evil()))
    with pytest.raises(RegistryError, match="not a skops file"):
        again(whole.getvalue())


def test_a_type_beyond_the_list_is_refused_by_its_name(content):
    with zipfile.ZipFile(io.BytesIO(content)) as told:
        parts = {name: told.read(name) for name in told.namelist()}
    schema = json.loads(parts["schema.json"])
    schema["__module__"], schema["__class__"] = "subprocess", "Popen"
    parts["schema.json"] = json.dumps(schema).encode()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    with pytest.raises(RegistryError, match=r"not trusted: subprocess\.Popen"):
        again(whole.getvalue())


def test_a_harmless_estimator_of_another_kind_is_refused(rows):
    other = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(RegistryError, match="expected ml.churn.model.ChurnClassifier"):
        again(skops.dumps(other))
