"""Consents of account holders per channel: given at registration or later, withdrawn, given again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from world import copies
from world.chunk import Chunk
from world.seeds import NEVER, scramble
from world.span import DAY, iso

Ints = npt.NDArray[np.int64]
CHANNELS = ("mail", "phone", "sms", "post", "personalisation")
GIVEN = np.array([0.55, 0.2, 0.25, 0.3, 0.45])
SOURCES = ("web_form", "call_centre", "preference_centre", "unsubscribe_link", "paper_form")
WITHDRAWN, AGAIN = 0.14, 0.15


def tell(chunk: Chunk) -> None:
    """A record is an account and a channel; its versions are given, withdrawn, given again."""
    rng, accounts = chunk.rng("consents"), chunk.accounts
    account, channel = np.nonzero(rng.random((len(accounts.who), len(CHANNELS))) < GIVEN)
    given = accounts.registered_at[account] + np.where(
        rng.random(len(account)) < 0.8, 0, rng.integers(0, 200 * DAY, len(account))
    )
    withdrawn = _later(rng, given, WITHDRAWN)
    again = _later(rng, withdrawn, AGAIN)
    record = np.tile(np.arange(len(account)), 3)
    at = np.concatenate([given, withdrawn, again])
    round_ = np.repeat([0, 1, 2], len(account))
    happens = at < chunk.span.until
    record, at, round_ = record[happens], at[happens], round_[happens]
    first = (2 * chunk.people.number[accounts.who[account]] + _copy_of(accounts.who)[account]) * len(CHANNELS) + channel
    ids = np.array([f"G{n:010d}" for n in scramble(first, 10_000_000_000, "consent").tolist()], dtype=object)
    rows = _rows(rng, chunk, account, channel, record, round_, ids, iso(at))
    chunk.emit("consents", "consents", ids[record], at, rows, accounts.who[account][record])


def _later(rng: np.random.Generator, at: Ints, share: float) -> Ints:
    """A time after `at` for a share of those that have one."""
    later = at + (rng.exponential(150.0, len(at)) * DAY).astype(np.int64) + 3600
    return np.where((rng.random(len(at)) < share) & (at < NEVER), later, NEVER)


def _copy_of(who: Ints) -> Ints:
    """0 for a person's first account, 1 for the second."""
    seen: dict[int, int] = {}
    copies_: list[int] = []
    for person in who.tolist():
        copies_.append(seen.get(person, 0))
        seen[person] = copies_[-1] + 1
    return np.array(copies_, dtype=np.int64)


def _rows(
    rng: np.random.Generator,
    chunk: Chunk,
    account: Ints,
    channel: Ints,
    record: Ints,
    round_: Ints,
    ids: npt.NDArray[np.object_],
    times: list[str],
) -> list[dict]:
    draws = copies.draw(chunk.rng("shop accounts"), len(chunk.accounts.who))  # as the account is written
    who, since = chunk.accounts.who, chunk.accounts.registered_at
    written = copies.write_people(chunk.people, chunk.companies, who, since, draws, copies.SHOP)
    sources = rng.integers(0, 3, len(record)).tolist()
    columns = zip(record.tolist(), round_.tolist(), times, sources, strict=True)
    return [
        {
            "consent_id": ids[n],
            "account_id": chunk.accounts.account_id[account[n]],
            "email": written[account[n]].mail,
            "phone": written[account[n]].mobile,
            "channel": CHANNELS[channel[n]],
            "purpose": "personalisation" if channel[n] == 4 else "marketing",
            "status": "withdrawn" if r == 1 else "given",
            "source": SOURCES[3 if r == 1 and s else s],
            "recorded_at": time,
            "updated_at": time,
        }
        for n, r, time, s in columns
    ]
