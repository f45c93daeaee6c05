"""How well feedback is read, and how fast, against snownlp, VADER and TF-IDF with logistic regression, in one run.

Held out are the texts whose SHA-1 ends in 0, 1 or 2 (hexadecimal). All sets are read with the same settings, the
defaults of `TextClassifier`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline

from bench.scores_recommend import measure as measure_recommend
from kehu.paths import PROJECT
from ml.feedback.classifier import TextClassifier
from ml.feedback.evaluate import calibration_error
from ml.feedback.model import FeedbackReader
from ml.feedback.text import fold
from world.generate import generate

REVIEWS = PROJECT.parent / "shared" / "data" / "reviews"
SURE_SHARE = 0.85
SNOWNLP_TEXTS = 400
WORLD_CUSTOMERS = 5000
# Of each entity with words: source, id, words, and the rating with its highest.
SPOKEN = {
    "tickets": ("support", "ticket_id", "body", None),
    "chats": ("support", "chat_id", "body", None),
    "complaints": ("support", "complaint_id", "body", None),
    "calls": ("support", "call_id", "summary", None),
    "posts": ("social", "post_id", "text", "rating"),
    "mentions": ("social", "mention_id", "text", None),
    "csat": ("surveys", "response_id", "comment", "score"),
    "nps": ("surveys", "response_id", "comment", "score"),
    "market_research": ("surveys", "response_id", "comment", None),
}


def measure() -> dict:
    """Each set of reviews, the linked world, and the next products."""
    with tempfile.TemporaryDirectory() as folder:
        peers = Peers(Path(folder))
        found = {
            "product_reviews_zh": measure_chinese(read_chinese("online_shopping_10_cats.zip"), peers),
            "food_delivery_zh": measure_chinese(read_chinese("waimai_10k.csv"), peers),
            "sentences_en": measure_english(peers),
            "world": measure_world(Path(folder) / "world"),
        }
    found["recommend"] = measure_recommend()
    found["peak_memory_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return found


class Peers:
    """The peers' environment, made anew from the locked requirements."""

    def __init__(self, folder: Path):
        self.python = folder / "peers" / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", str(folder / "peers")], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"]
        subprocess.run([self.python, *install, PROJECT / "requirements" / "peers_text.txt"], check=True)

    def judge(self, peer: str, texts: list[str]) -> tuple[np.ndarray, float]:
        """Scores (above 0: good) and texts per CPU second."""
        command = [self.python, PROJECT / "bench" / "peers_text.py", peer]
        done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True)
        told = json.loads(done.stdout)
        return np.array(told["scores"]), len(texts) / told["cpu_seconds"]


def is_held_out(text: str) -> bool:
    """Whether the text belongs to the held-out part."""
    return _sha1(text)[-1] in "012"


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def read_chinese(name: str) -> pd.DataFrame:
    """Columns text and label (True: good)."""
    frame = pd.read_csv(REVIEWS / name).dropna(subset=["review"])
    return pd.DataFrame({"text": frame["review"], "label": frame["label"] == 1}).reset_index(drop=True)


def measure_chinese(frame: pd.DataFrame, peers: Peers) -> dict:
    """Accuracy of all and of the surest held-out texts, and speed against snownlp."""
    held_out = frame["text"].map(is_held_out)
    found, rate = _ours(frame, held_out, "zh", None)
    # The files are ordered by label: a sample goes by the hash of the text.
    order = frame.loc[held_out, "text"].map(_sha1).sort_values().index
    sample = frame.loc[order[:SNOWNLP_TEXTS]]
    scores, peer_rate = peers.judge("snownlp", sample["text"].tolist())
    found["snownlp_accuracy"] = _share((scores > 0) == sample["label"].to_numpy())
    found["texts_per_cpu_second_over_snownlp"] = round(rate / peer_rate, 1)
    return found


def measure_english(peers: Peers) -> dict:
    """Accuracy against VADER (compound at least 0) and TF-IDF with logistic regression; neutral sentences left out."""
    columns = ["id", "rating", "text"]
    frame = pd.read_csv(REVIEWS / "amazon_snippets.tsv", sep="\t", header=None, names=columns, quoting=3)
    frame = frame[frame["rating"] != 0].reset_index(drop=True)
    frame["label"] = frame["rating"] > 0
    held_out = frame["text"].map(is_held_out)
    found, _ = _ours(frame, held_out, "en", frame["rating"].abs() / 4)
    actual = frame.loc[held_out, "label"].to_numpy()
    vader, _ = peers.judge("vader", frame.loc[held_out, "text"].tolist())
    plain = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
    plain.fit(frame.loc[~held_out, "text"], frame.loc[~held_out, "label"])
    found["vader_accuracy"] = _share((vader >= 0) == actual)
    found["tfidf_logistic_accuracy"] = _share(plain.predict(frame.loc[held_out, "text"]) == actual)
    return found


def _ours(frame: pd.DataFrame, held_out: pd.Series, language: str, weight: pd.Series | None) -> tuple[dict, float]:
    taught, asked = frame[~held_out], frame[held_out]
    began = time.process_time()
    texts = [fold(text) for text in taught["text"]]
    weights = None if weight is None else weight[~held_out].to_numpy()
    model = TextClassifier(language).fit(texts, taught["label"].map(str).to_numpy(str), weights)
    fitted = time.process_time()
    chances = model.predict_proba([fold(text) for text in asked["text"]])
    rate = len(asked) / (time.process_time() - fitted)
    right = model.classes_[chances.argmax(axis=1)] == asked["label"].map(str).to_numpy(str)
    confidence = chances.max(axis=1)
    surest = np.argsort(-confidence, kind="stable")[: int(SURE_SHARE * len(right))]
    return {
        "count_held_out": len(asked),
        "accuracy": _share(right),
        "accuracy_of_surest_85_percent": _share(right[surest]),
        "calibration_error": round(calibration_error(confidence, right), 4),
        "fit_cpu_seconds": round(fitted - began, 1),
    }, rate


def _share(right: np.ndarray) -> float:
    return round(float(np.mean(right)), 4)


def measure_world(folder: Path) -> dict:
    """Themes and feelings of a world's texts against its truth; taught by the world's ratings, themes by no label."""
    generate(WORLD_CUSTOMERS, 1, folder)
    rows = pd.DataFrame(_spoken(folder), columns=["entity", "record_id", "text", "rated_sentiment"])
    truth = pd.read_parquet(folder / "truth" / "texts.parquet").astype(str)
    rows = rows.merge(truth.drop(columns=["source", "language"]), on=["entity", "record_id"])
    rows = rows.sort_values("record_id", ignore_index=True)
    rows["text_key"] = rows["text"].map(lambda text: hashlib.sha256(text.encode()).hexdigest())
    rows = rows.assign(language=None, rating_weight=1.0)
    told = FeedbackReader().fit(rows.drop_duplicates("text_key")).read(rows, 0.6)
    themes = sorted(rows["theme"].unique())
    unrated = rows["rated_sentiment"].isna().to_numpy()
    actual = rows["sentiment"].map({"-1": "negative", "0": "neutral", "1": "positive"})
    is_told = (told["sentiment"] != "unknown").to_numpy() & unrated
    return {
        "count_texts": len(rows),
        "theme_f1_macro": round(f1_score(rows["theme"], told["theme"], labels=themes, average="macro"), 4),
        "theme_f1_micro": round(f1_score(rows["theme"], told["theme"], labels=themes, average="micro"), 4),
        "sentiment_share_told_of_unrated": round(float(is_told.sum() / unrated.sum()), 4),
        "sentiment_accuracy_told_of_unrated": _share((told["sentiment"] == actual).to_numpy()[is_told]),
    }


def _spoken(folder: Path) -> Iterator[tuple[str, str, str, str | None]]:
    """The newest words of each record, with what its rating says they feel."""
    for entity, (source, key, words, rating) in SPOKEN.items():
        newest = {}
        for path in sorted((folder / "sources" / source).glob(f"{entity}*")):
            text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            newest |= {row[key]: row for row in map(json.loads, text.splitlines()) if row.get(key) and row.get(words)}
        for record_id, row in sorted(newest.items()):
            yield entity, record_id, row[words], _felt(entity, row.get(rating) if rating else None)


def _felt(entity: str, score: object) -> str | None:
    if not isinstance(score, int | float):
        return None
    least_good, least_neutral = (9, 7) if entity == "nps" else (4, 3)
    return "positive" if score >= least_good else "neutral" if score >= least_neutral else "negative"


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
