"""Made-up collections of a generic service."""

from __future__ import annotations

from typing import Any

from tests.fakes.dice import Crowd
from tests.fakes.people import person
from tests.fakes.rest import FakeRest, Style

# Every way of paging, with every place for the list.
COLLECTIONS: dict[str, tuple[Style, str | None]] = {
    "tickets": ("page", "data"),
    "calls": ("offset", "items"),
    "chats": ("cursor", "data"),
    "visits": ("link", None),
    "complaints": ("page", None),
    "survey_answers": ("cursor", "items"),
    "posts": ("link", "data"),
}
CHANNELS = ("web", "phone", "shop", "app")


def fill_rest(fake: FakeRest, records: int = 500, customers: int = 5_000, seed: int = 7) -> dict[str, list[Any]]:
    """`records` in each collection, of people who are also in the CRMs; returns the ids by collection."""
    crowd, ids = Crowd(seed), {}
    for name, (style, key) in COLLECTIONS.items():
        if name not in fake.collections:
            fake.collection(name, style, key)
        ids[name] = [fake.add(name, _record(name, crowd, customers)) for _ in range(records)]
    return ids


def _record(name: str, crowd: Crowd, customers: int) -> dict[str, Any]:
    someone = person(crowd.dice.randrange(customers), crowd.seed)
    created, updated = crowd.times()
    common = {
        "customer_email": someone.email,
        "customer_phone": someone.mobile if crowd.dice.random() < 0.5 else None,
        "channel": crowd.dice.choice(CHANNELS),
        "created_at": created.isoformat().replace("+00:00", "Z"),
        "updated_at": updated.isoformat().replace("+00:00", "Z"),
    }
    return common | _details(name, crowd)


def _details(name: str, crowd: Crowd) -> dict[str, Any]:
    number = crowd.dice.randrange(1, 1000)
    return {
        "tickets": {"subject": f"Question {number}", "status": crowd.dice.choice(("open", "closed")), "priority": 2},
        "calls": {"seconds": number, "direction": crowd.dice.choice(("in", "out"))},
        "chats": {"messages": number % 40, "text": f"Where is order {number}?"},
        "visits": {"page": f"/things/{number}", "seconds": number},
        "complaints": {"reason": crowd.dice.choice(("late", "broken", "wrong")), "refund": crowd.money(200)},
        "survey_answers": {"question": "nps", "score": number % 11, "text": None},
        "posts": {"text": f"I like thing {number}", "likes": number % 50},
    }[name]
