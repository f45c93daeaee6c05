"""Social media: posts and reviews by customers, mentions of the shop and its competitors, reactions to posts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from world import names
from world.chunk import Chunk
from world.seeds import scramble
from world.span import DAY, iso
from world.support import record_ids
from world.surveys import COMPETITORS
from world.texts.say import scores
from world.voices import Voices, heard, speak

Ints = npt.NDArray[np.int64]
PLATFORMS = ("microblog", "forum", "video", "review_site")  # kinds of platforms, not companies
REACTIONS = ("like", "share", "reply", "save")
REACTIONS_PER_POST = 1.1
BRAND = "Kehu Gifts"


def tell(chunk: Chunk) -> None:
    """All three entities."""
    posts = [(heard(chunk, "posts"), "B", False), (heard(chunk, "reviews"), "R", True)]
    for voices, prefix, is_review in posts:
        _tell_posts(chunk, voices, record_ids(voices, prefix, f"post {prefix}"), is_review)
    _tell_reactions(chunk, [(voices, record_ids(voices, prefix, f"post {prefix}")) for voices, prefix, _ in posts])
    _tell_mentions(chunk)


def handles(chunk: Chunk, who: Ints) -> list[str]:
    """Each person's one handle; names show through in some."""
    people = chunk.people
    digits = scramble(people.number[who], 100_000_000, "handle").tolist()
    return [
        _handle(people.surname[w], people.given[w], people.culture[w], n)
        for w, n in zip(who.tolist(), digits, strict=True)
    ]


def _handle(surname: str, given: str, culture: int, digits: int) -> str:
    if culture == names.CHINESE:
        first, last = "".join(names.syllables(given)), names.surname_pinyin(surname)
    else:
        first, last = names.plain(given).lower(), names.plain(surname).lower()
    words = ("sunny", "teatime", "moonrabbit", "craftlover", "giftnest", "quiet_river")
    stems = (
        f"{first}_{last}",
        f"{first}{last[0]}",
        words[digits % len(words)],
        f"{last}.{first[0]}",
        words[digits // 7 % 6],
    )
    return f"@{stems[digits % 5]}{digits:06d}".replace(" ", "").replace("'", "")


def _tell_posts(chunk: Chunk, voices: Voices, ids: npt.NDArray[np.object_], is_review: bool) -> None:
    """Posts and reviews; every twentieth was edited a day later."""
    rng = chunk.rng(f"social posts {is_review}")
    stars = scores(rng, voices.sentiment, 5).tolist()
    shown = np.append(chunk.goods.code, "")[np.where(voices.order >= 0, chunk.order_product[voices.order], -1)].tolist()
    again = np.flatnonzero(rng.random(len(voices)) < 0.05)
    record = np.concatenate([np.arange(len(voices)), again])
    at = np.concatenate([voices.at, voices.at[again] + DAY])
    posted, updated, by = iso(voices.at), iso(at), handles(chunk, voices.who)
    shows_name, likes = rng.random(len(voices)) < 0.3, rng.geometric(0.2, len(record)).tolist()
    surname, given = chunk.people.surname, chunk.people.given
    rows = (
        {
            "post_id": ids[n],
            "platform": PLATFORMS[3 if is_review else n % 3],
            "kind": "review" if is_review else "post",
            "handle": by[n],
            "display_name": f"{given[voices.who[n]]} {surname[voices.who[n]][0]}." if shows_name[n] else by[n][1:],
            "text": voices.text[n],
            "rating": stars[n] if is_review else None,
            "product_code": shown[n] if is_review else None,
            "language": "zh" if voices.is_chinese[n] else "en",
            "likes": like,
            "url": f"https://social.example/{ids[n]}",
            "posted_at": posted[n],
            "updated_at": time,
        }
        for n, like, time in zip(record.tolist(), likes, updated, strict=True)
    )
    told = chunk.emit("social", "posts", ids[record], at, rows, voices.who[record])
    chunk.tell_texts("social", "posts", ids, voices.sentiment, voices.theme, voices.is_chinese, told[: len(voices)])


def _tell_reactions(chunk: Chunk, posts: list[tuple[Voices, npt.NDArray[np.object_]]]) -> None:
    rng = chunk.rng("social reactions")
    ids, at = (np.concatenate(parts) for parts in zip(*((ids, voices.at) for voices, ids in posts), strict=True))
    post = np.repeat(np.arange(len(ids)), rng.poisson(REACTIONS_PER_POST, len(ids)))
    who = rng.integers(0, len(chunk.people), len(post))
    reacted = at[post] + (rng.exponential(1.5, len(post)) * DAY).astype(np.int64) + 60
    numbers = scramble(chunk.number * 1_000_000 + np.arange(len(post)), 10_000_000_000, "reactions")
    names_of = [f"X{n:010d}" for n in numbers.tolist()]
    kinds, times = rng.integers(0, len(REACTIONS), len(post)).tolist(), iso(reacted)
    columns = zip(names_of, post.tolist(), handles(chunk, who), kinds, times, strict=True)
    rows = (
        {
            "reaction_id": name,
            "post_id": ids[p],
            "handle": by,
            "kind": REACTIONS[k],
            "reacted_at": time,
            "updated_at": time,
        }
        for name, p, by, k, time in columns
    )
    # Reactions to posts after the span are not told, as the posts are not.
    reacted = np.where(chunk.span.holds(at[post]), reacted, chunk.span.until)
    chunk.emit("social", "reactions", names_of, reacted, rows, who)


def _tell_mentions(chunk: Chunk) -> None:
    """What is said of the shop, or of a competitor, by anybody."""
    rng = chunk.rng("social mentions")
    who = np.flatnonzero(rng.random(len(chunk.people)) < 0.02)
    at = rng.integers(chunk.span.begin, chunk.span.until, len(who))
    sentiment = rng.choice([-1, 0, 1], len(who), p=[0.3, 0.35, 0.35])
    voices = speak(chunk, rng, who, at, sentiment, rng.choice([0, 1, 2, 4, 5, 6], len(who)))
    ids, by, times = record_ids(voices, "Q", "mentions"), handles(chunk, who), iso(at)
    rival = rng.integers(0, 2 * len(COMPETITORS), len(who)).tolist()
    brand = [COMPETITORS[n] if n < len(COMPETITORS) else BRAND for n in rival]
    rows = (
        {
            "mention_id": ids[n],
            "platform": PLATFORMS[n % 3],
            "handle": by[n],
            "brand": brand[n],
            "category": chunk.goods.categories[n % len(chunk.goods.categories)],
            "text": f"{brand[n]}: {voices.text[n]}",
            "language": "zh" if voices.is_chinese[n] else "en",
            "mentioned_at": times[n],
            "updated_at": times[n],
        }
        for n in range(len(who))
    )
    told = chunk.emit("social", "mentions", ids, at, rows, who)
    chunk.tell_texts("social", "mentions", ids, sentiment, voices.theme, voices.is_chinese, told)
