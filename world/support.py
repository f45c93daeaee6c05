"""The service desk: tickets, calls, chats, visits by sales staff, complaints; each with its history of versions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from world import copies
from world.chunk import Chunk
from world.experience import THEMES
from world.seeds import scramble
from world.span import DAY, iso
from world.texts.say import subjects
from world.voices import Voices, heard, order_numbers, speak

Ints = npt.NDArray[np.int64]
STAFF = ("agent-01", "agent-02", "agent-03", "agent-04", "agent-05", "agent-06")
RECORD_NUMBERS = 10_000_000_000


def tell(chunk: Chunk) -> None:
    """All five entities."""
    for name, prefix in (("tickets", "T"), ("chats", "H"), ("complaints", "K")):
        _tell_threads(chunk, name, prefix)
    _tell_calls(chunk)
    _tell_visits(chunk)


def record_ids(voices: Voices, prefix: str, kind: str) -> npt.NDArray[np.object_]:
    """Ids that tell nothing of order or person."""
    numbers = scramble(voices.number, RECORD_NUMBERS, kind).tolist()
    return np.array([f"{prefix}{number:010d}" for number in numbers], dtype=object)


def write(chunk: Chunk, voices: Voices, rng: np.random.Generator) -> list[copies.Copy]:
    """Who speaks, as the service desk notes it."""
    draws = copies.draw(rng, len(voices))
    return copies.write_people(chunk.people, chunk.companies, voices.who, voices.at, draws, copies.SERVICE)


def _tell_threads(chunk: Chunk, name: str, prefix: str) -> None:
    """Tickets, chats and complaints: opened, answered, and a second version once resolved."""
    rng = chunk.rng(f"support {name}")
    voices = heard(chunk, name)
    ids = record_ids(voices, prefix, name)
    pace = {"tickets": 1.0, "chats": 0.02, "complaints": 2.0}[name] * DAY
    answered = voices.at + (rng.gamma(1.2, 0.3 * pace, len(voices))).astype(np.int64) + 20
    resolved = answered + (rng.gamma(1.5, 1.2 * pace, len(voices))).astype(np.int64) + 60
    is_resolved = rng.random(len(voices)) < 0.92
    build = _builder(chunk, rng, name, voices, ids, answered, resolved)
    again = np.flatnonzero(is_resolved)
    record = np.concatenate([np.arange(len(voices)), again])
    at = np.concatenate([voices.at, resolved[again]])
    later = np.arange(len(record)) >= len(voices)
    rows = (build(n, done) for n, done in zip(record.tolist(), later.tolist(), strict=True))
    told = chunk.emit("support", name, ids[record], at, rows, voices.who[record])
    tell_of(chunk, name, voices, ids, told[: len(voices)])


def tell_of(chunk: Chunk, name: str, voices: Voices, ids: npt.NDArray, told: npt.NDArray[np.bool_]) -> None:
    """The truth about the desk's texts."""
    chunk.tell_texts("support", name, ids, voices.sentiment, voices.theme, voices.is_chinese, told)


def _builder(
    chunk: Chunk,
    rng: np.random.Generator,
    name: str,
    voices: Voices,
    ids: npt.NDArray[np.object_],
    answered: Ints,
    resolved: Ints,
) -> Callable[[int, bool], dict]:
    written = write(chunk, voices, rng)
    orders = order_numbers(chunk, voices, rng, 0.6)
    lines = subjects(voices.is_chinese, voices.theme)
    opened, replied, closed = iso(voices.at), iso(answered), iso(resolved)
    staff = rng.integers(0, len(STAFF), len(voices)).tolist()
    key = {"tickets": "ticket_id", "chats": "chat_id", "complaints": "complaint_id"}[name]
    by_form = rng.random(len(voices)) < 0.3

    def build(n: int, done: bool) -> dict:
        copy = written[n]
        history = [{"status": "open", "at": opened[n]}]
        if done:
            history += [{"status": "answered", "at": replied[n]}, {"status": "solved", "at": closed[n]}]
        row = {
            key: ids[n],
            "channel": "chat" if name == "chats" else "web_form" if by_form[n] else "mail",
            "requester": {"name": copy.full, "email": copy.mail, "phone": copy.mobile or copy.phone},
            "subject": lines[n],
            "body": voices.text[n],
            "language": "zh" if voices.is_chinese[n] else "en",
            "status": history[-1]["status"],
            "status_history": history,
            "order_number": orders[n],
            "agent": STAFF[staff[n]],
            "opened_at": opened[n],
            "first_response_at": replied[n] if done else None,
            "resolved_at": closed[n] if done else None,
            "updated_at": closed[n] if done else opened[n],
        }
        if name == "complaints":
            row["severity"] = ("low", "medium", "high")[len(voices.text[n]) % 3]
        return row

    return build


def _tell_calls(chunk: Chunk) -> None:
    rng = chunk.rng("support calls")
    voices = heard(chunk, "calls")
    ids = record_ids(voices, "L", "calls")
    written, orders = write(chunk, voices, rng), order_numbers(chunk, voices, rng, 0.5)
    seconds = rng.gamma(2.0, 140.0, len(voices)).astype(np.int64) + 15
    started, ended = iso(voices.at), iso(voices.at + seconds)
    is_inbound = (rng.random(len(voices)) < 0.9).tolist()
    rows = (
        {
            "call_id": ids[n],
            "channel": "phone",
            "direction": "inbound" if is_inbound[n] else "outbound",
            "requester": {"name": copy.full, "email": None, "phone": copy.mobile or copy.phone},
            "summary": voices.text[n],
            "language": "zh" if voices.is_chinese[n] else "en",
            "order_number": orders[n],
            "agent": STAFF[n % len(STAFF)],
            "started_at": started[n],
            "duration_seconds": length,
            "updated_at": ended[n],
        }
        for n, (copy, length) in enumerate(zip(written, seconds.tolist(), strict=True))
    )
    told = chunk.emit("support", "calls", ids, voices.at + seconds, rows, voices.who)
    tell_of(chunk, "calls", voices, ids, told)


def sales_talks(chunk: Chunk, purpose: str, share: float, is_chinese: bool) -> Voices:
    """What employees of companies say when sales staff meet them, in the span."""
    rng = chunk.rng(purpose)
    people = chunk.people
    is_met = (people.company >= 0) & (rng.random(len(people)) < share) & (people.is_chinese == is_chinese)
    who = np.flatnonzero(is_met)
    opens = 1 if is_chinese else 9  # working hours, in UTC
    at = (
        rng.integers(chunk.span.begin, chunk.span.until - DAY, len(who)) // DAY * DAY
        + opens * 3600
        + rng.integers(0, 8, len(who)) * 3600
    )
    sentiment = rng.choice([-1, 0, 1], len(who), p=[0.2, 0.45, 0.35])
    theme = rng.choice([n for n, name in enumerate(THEMES) if name != "wrong_item"], len(who))
    return speak(chunk, rng, who, at, sentiment, theme)


def _tell_visits(chunk: Chunk) -> None:
    voices = sales_talks(chunk, "support visits", 0.04, is_chinese=False)
    rng = chunk.rng("support visit rows")
    ids = record_ids(voices, "V", "visits")
    written, visited = write(chunk, voices, rng), iso(voices.at)
    companies, employer = chunk.companies, chunk.people.company_at(voices.who, voices.at).tolist()
    rows = (
        {
            "visit_id": ids[n],
            "channel": "visit",
            "requester": {"name": copy.full, "email": copy.mail, "phone": copy.phone},
            "company": companies.legal(employer[n]) if employer[n] >= 0 else None,
            "purpose": "follow-up" if n % 2 else "care",
            "notes": voices.text[n],
            "agent": STAFF[n % len(STAFF)],
            "visited_at": visited[n],
            "updated_at": visited[n],
        }
        for n, copy in enumerate(written)
    )
    told = chunk.emit("support", "visits", ids, voices.at, rows, voices.who)
    tell_of(chunk, "visits", voices, ids, told)
