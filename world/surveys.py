"""Answers to surveys: satisfaction after service, recommendation after an order, market research."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from world.chunk import Chunk
from world.places import COUNTRIES
from world.seeds import NEVER
from world.span import DAY, iso
from world.support import record_ids, write
from world.texts.say import scores
from world.voices import SERVICE, Voices, heard, order_numbers, speak

Ints = npt.NDArray[np.int64]
ANSWERED = 0.35
TURNED = 0.3  # of unhappy people, those whom the desk made happy
COMPETITORS = ("Larkspur & Finch", "Gift Harbour", "Nordlicht Shop", "礼遇小铺", "悦物集")
AGES = ("16-24", "25-34", "35-44", "45-54", "55-64", "65+")


def tell(chunk: Chunk) -> None:
    """All three entities."""
    _tell_csat(chunk)
    _tell_nps(chunk)
    _tell_market_research(chunk)


def _tell_csat(chunk: Chunk) -> None:
    """Asked after a ticket, call or chat; some of the unhappy were helped well."""
    parts, subjects = [], []
    for name, prefix in (("tickets", "T"), ("calls", "L"), ("chats", "H")):
        voices = heard(chunk, name)
        rng = chunk.rng(f"csat {name}")
        answers = np.flatnonzero(rng.random(len(voices)) < ANSWERED)
        turned = (voices.sentiment[answers] < 0) & (rng.random(len(answers)) < TURNED)
        sentiment = np.where(turned, 1, voices.sentiment[answers])
        theme = np.where(turned, SERVICE, voices.theme[answers])
        at = voices.at[answers] + (rng.gamma(2.0, 2.0, len(answers)) * DAY).astype(np.int64)
        parts.append((voices.who[answers], at, sentiment, theme, voices.order[answers]))
        subjects += record_ids(voices, prefix, name)[answers].tolist()
    voices = speak(chunk, chunk.rng("csat"), *(np.concatenate(column) for column in zip(*parts, strict=True)))
    score = scores(chunk.rng("csat scores"), voices.sentiment, 5)
    extra = [{"subject_id": subject} for subject in subjects]
    _tell_answers(chunk, "csat", "S", voices, score, extra)


def _tell_nps(chunk: Chunk) -> None:
    """How likely they are to recommend the shop, asked after an order."""
    voices = heard(chunk, "nps")
    rng = chunk.rng("nps")
    extra = [{"order_number": number} for number in order_numbers(chunk, voices, rng, 0.8)]
    _tell_answers(chunk, "nps", "N", voices, scores(rng, voices.sentiment, 10), extra)


def _tell_answers(chunk: Chunk, name: str, prefix: str, voices: Voices, score: Ints, extra: list[dict]) -> None:
    rng = chunk.rng(f"{name} rows")
    ids = record_ids(voices, prefix, name)
    answered, sent = iso(voices.at), iso(voices.at - rng.integers(3600, 3 * DAY, len(voices)))
    comments = rng.random(len(voices)) < 0.7
    rows = (
        {
            "response_id": ids[n],
            "survey": name,
            **extra[n],
            "name": copy.full if n % 3 else None,
            "email": copy.mail,
            "phone": None if copy.mail else copy.mobile,
            "score": given,
            "comment": voices.text[n] if comments[n] else None,
            "sent_at": sent[n],
            "answered_at": answered[n],
            "updated_at": answered[n],
        }
        for n, (copy, given) in enumerate(zip(write(chunk, voices, rng), score.tolist(), strict=True))
    )
    told = chunk.emit("surveys", name, ids, voices.at, rows, voices.who)
    # A score without a comment is felt all the same; only texts have a truth of their own.
    chunk.tell_texts("surveys", name, ids, voices.sentiment, voices.theme, voices.is_chinese, told & comments)


def _tell_market_research(chunk: Chunk) -> None:
    """A panel's answers, from customers and others; few give their mail."""
    rng = chunk.rng("market research")
    who = np.flatnonzero(rng.random(len(chunk.people)) < 0.03)
    at = rng.integers(chunk.span.begin, chunk.span.until, len(who))
    sentiment = rng.choice([-1, 0, 1], len(who), p=[0.25, 0.4, 0.35])
    voices = speak(chunk, rng, who, at, sentiment, rng.choice([0, 1, 2, 4, 5, 6], len(who)))
    ids = record_ids(voices, "M", "market research")
    age = (at.astype("datetime64[s]").astype("datetime64[D]") - chunk.people.birth[who]).astype(np.int64) / 365.25
    band = np.clip((age - 15) // 10, 0, 5).astype(np.int64).tolist()
    answered = iso(at)
    weights = rng.integers(1, 6, (len(who), 2)).tolist()
    rivals = rng.integers(0, len(COMPETITORS) + 3, len(who)).tolist()
    liked = rng.integers(0, len(chunk.goods.categories), len(who)).tolist()
    people, is_customer = chunk.people, (_first_seen(chunk)[who] <= at).tolist()
    rows = (
        {
            "response_id": ids[n],
            "panel": "household panel",
            "email": copy.mail if n % 3 == 0 else None,
            "age_band": AGES[band[n]],
            "sex": copy.sex,
            "country": COUNTRIES[people.country[who[n]]].name,
            "region": people.address[who[n]][2],
            "category": chunk.goods.categories[liked[n]],
            "competitor_used": (*COMPETITORS, None, None, None)[rivals[n]],
            "importance_price": weights[n][0],
            "importance_quality": weights[n][1],
            "comment": voices.text[n],
            "is_customer": is_customer[n],
            "answered_at": answered[n],
            "updated_at": answered[n],
        }
        for n, copy in enumerate(write(chunk, voices, rng))
    )
    told = chunk.emit("surveys", "market_research", ids, at, rows, who)
    chunk.tell_texts("surveys", "market_research", ids, sentiment, voices.theme, voices.is_chinese, told)


def _first_seen(chunk: Chunk) -> Ints:
    """When each person first registered; NEVER without an account."""
    first = np.full(len(chunk.people), NEVER)
    np.minimum.at(first, chunk.accounts.who, chunk.accounts.registered_at)
    return first
