"""Visits to the web site as a stream of events: anonymous first, with an account once somebody logs in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from world.chunk import Chunk
from world.parameters import PARAMETERS
from world.seeds import NEVER, pick, scramble
from world.span import DAY, daytime, iso

Ints = npt.NDArray[np.int64]
PAGE, VIEWED, IDENTIFY, ADDED, COMPLETED, DOWNLOADED, CLICKED = range(7)
EVENTS = ("", "Product Viewed", "", "Product Added", "Order Completed", "File Downloaded", "Campaign Clicked")
# Chance of each event in a visit that ends with an order, and in one that does not; the seconds after the start.
WITH_ORDER = (0.8, 0.7, 0.55, 0.75, 1.0, 0.0, 0.08)
WITHOUT_ORDER = (1.0, 0.65, 0.12, 0.12, 0.0, 0.06, 0.10)
AFTER = (5, 40, 120, 170, 300, 90, 0)
ONLINE_ORDERS = 0.55
VISITS_WITHOUT_ORDER = 1.4  # per customer of the whole span
DEVICES = (0.62, 0.92)  # shares with one device, with at most two
CAMPAIGNS = ("spring", "summer", "autumn", "winter", "newsletter")
AGENTS = tuple(
    f"Mozilla/5.0 ({system}) ExampleBrowser/{version}.0"
    for system in ("Windows NT 10.0", "Macintosh", "Linux; Android 14", "iPhone; like iOS 17")
    for version in (118, 121, 124)
)
NETWORKS = ("192.0.2", "198.51.100", "203.0.113")  # set aside for documents (RFC 5737)


@dataclass(frozen=True)
class Visits:
    """One element a visit; `account` is -1 for people without one, `order` -1 where nothing was bought."""

    who: Ints
    at: Ints
    account: Ints
    order: Ints
    product: Ints


def tell(chunk: Chunk) -> None:
    """All events of the chunk's people."""
    rng = chunk.rng("web")
    visits = _visits(rng, chunk)
    visit, kind = _events(rng, visits)
    at = visits.at[visit] + np.array(AFTER)[kind] + rng.integers(0, 30, len(visit))
    order = np.lexsort((at, visit))
    visit, kind, at = visit[order], kind[order], at[order]
    first = chunk.number * 100_000_000
    ids = [f"m-{n:010d}" for n in scramble(first + np.arange(len(visit)), 10_000_000_000, "message").tolist()]
    rows = _rows(rng, chunk, visits, visit, kind, at, ids)
    chunk.emit("web", "events", ids, at, rows, visits.who[visit])


def _visits(rng: np.random.Generator, chunk: Chunk) -> Visits:
    orders = chunk.orders
    online = np.flatnonzero(rng.random(len(orders)) < ONLINE_ORDERS)
    buys = Visits(
        orders.customer[online],
        orders.at[online] - 300,
        chunk.order_account[online],
        online,
        chunk.order_product[online],
    )
    count = rng.poisson(VISITS_WITHOUT_ORDER * len(chunk.people))
    who = rng.integers(0, len(chunk.people), count)
    begin, end = _interested(chunk)
    day = (begin[who] + (end[who] - begin[who]) * rng.random(count)).astype(np.int64) // DAY * DAY
    at, account = daytime(rng, day), _first_account(chunk)[who]
    has_registered = np.append(chunk.accounts.registered_at, NEVER)[account] <= at
    product = rng.integers(0, len(chunk.goods), count)
    idle = Visits(who, at, np.where(has_registered, account, -1), np.full(count, -1), product)
    return Visits(*(np.concatenate([getattr(part, name) for part in (buys, idle)]) for name in Visits.__annotations__))


def _first_account(chunk: Chunk) -> Ints:
    first = np.full(len(chunk.people), -1)
    first[chunk.accounts.who[::-1]] = np.arange(len(chunk.accounts.who))[::-1]
    return first


def _interested(chunk: Chunk) -> tuple[Ints, Ints]:
    """From when to when people look around: from a little before the first order to a little after the last."""
    count, span = len(chunk.people), chunk.span
    begin, end = np.full(count, NEVER), np.zeros(count, dtype=np.int64)
    np.minimum.at(begin, chunk.orders.customer, chunk.orders.at)
    np.maximum.at(end, chunk.orders.customer, chunk.orders.at)
    has = end > 0
    begin = np.where(has, np.maximum(begin - 20 * DAY, span.begin), span.begin)
    end = np.where(has, np.minimum(end + 45 * DAY, span.until - DAY), span.until - DAY)
    return begin, end


def _events(rng: np.random.Generator, visits: Visits) -> tuple[Ints, Ints]:
    """Visit and kind of each event."""
    chances = np.where((visits.order >= 0)[:, None], np.array(WITH_ORDER), np.array(WITHOUT_ORDER))
    chances[visits.account < 0, IDENTIFY] = 0.0
    visit, kind = np.nonzero(rng.random(chances.shape) < chances)
    return visit, kind


def _devices(rng: np.random.Generator, chunk: Chunk, who: Ints) -> list[str]:
    """The device of each visit: one to three a person, some shared by a household."""
    people = chunk.people
    shares = (chunk.rng("devices").random(len(people)) < PARAMETERS.shares_device)[who]
    owner = np.where(shares, people.head[who], who)
    owned = np.searchsorted(DEVICES, chunk.rng("device counts").random(len(people))) + 1
    which = (rng.random(len(who)) * owned[owner]).astype(np.int64)
    numbers = scramble(3 * people.number[owner] + which, 10_000_000_000, "device")
    return [f"{n:010x}-4a{n % 4096:03x}" for n in numbers.tolist()]


def _rows(
    rng: np.random.Generator, chunk: Chunk, visits: Visits, visit: Ints, kind: Ints, at: Ints, ids: list[str]
) -> list[dict]:
    count = len(visits.who)
    devices = _devices(rng, chunk, visits.who)
    agents = pick(list(AGENTS), scramble(chunk.people.number[visits.who], len(AGENTS), "agent")).tolist()
    places = rng.integers(0, 3, count), rng.integers(1, 255, count)
    addresses = [f"{NETWORKS[n]}.{host}" for n, host in zip(*(p.tolist() for p in places), strict=True)]
    knows = np.isin(np.arange(count), visit[kind == IDENTIFY])
    # The account is known from the login on, in this visit only.
    user = np.where(knows[visit] & (kind >= IDENTIFY), visits.account[visit], -1)
    mails = _mails(chunk, visits)
    received = at + rng.integers(0, 4, len(at))
    columns = (visit, kind, user, iso(at, "Z"), iso(received, "Z"), ids)
    rows = []
    for v, k, account, sent, arrived, message in zip(*(_list(c) for c in columns), strict=True):
        row = {
            "messageId": message,
            "anonymousId": devices[v],
            "userId": chunk.accounts.account_id[account] if account >= 0 else None,
            "type": "page" if k == PAGE else "identify" if k == IDENTIFY else "track",
            "context": {"page": {"path": _path(chunk, visits, v, k)}, "userAgent": agents[v], "ip": addresses[v]},
            "timestamp": sent,
            "receivedAt": arrived,
        }
        if k == IDENTIFY:
            row["traits"] = {"email": mails[v]} if mails[v] else {}
        else:
            row |= {"event": EVENTS[k] or None, "properties": _properties(chunk, visits, v, k)}
        if k == CLICKED:
            row["context"]["campaign"] = {
                "name": CAMPAIGNS[v % len(CAMPAIGNS)],
                "source": "mail" if v % 3 else "social",
            }
        rows.append(row)
    return rows


def _list(column: Ints | list[str]) -> list:
    return column if isinstance(column, list) else column.tolist()


def _mails(chunk: Chunk, visits: Visits) -> list[str | None]:
    """The mail of the account logged in with, for half of the people."""
    people = chunk.people
    tells = chunk.rng("web mails").random(len(people)) < 0.5
    late = visits.at >= people.reached_anew_at[visits.who]
    mails = np.where(late, people.mail_new[visits.who], people.mail[visits.who])
    return np.where(tells[visits.who], mails, None).tolist()


def _path(chunk: Chunk, visits: Visits, visit: int, kind: int) -> str:
    if kind in (VIEWED, ADDED):
        return f"/product/{chunk.goods.code[visits.product[visit]]}"
    return {PAGE: "/", IDENTIFY: "/login", COMPLETED: "/checkout", DOWNLOADED: "/downloads", CLICKED: "/landing"}[kind]


def _properties(chunk: Chunk, visits: Visits, visit: int, kind: int) -> dict:
    product = visits.product[visit]
    match kind:
        case 1 | 3:  # viewed, added
            return {
                "product_id": chunk.goods.code[product],
                "price": float(chunk.goods.price[product]),
                "currency": "GBP",
            }
        case 4:  # completed
            order = visits.order[visit]
            return {
                "order_id": chunk.order_number[order],
                "total": round(float(chunk.orders.worth[order]), 2),
                "currency": "GBP",
            }
        case 5:  # downloaded
            return {"file": f"catalogue-{chunk.goods.categories[chunk.goods.category[product]]}.pdf"}
        case _:
            return {}
