"""The companies of a chunk: legal names, addresses, switchboards, mail domains and the ways their names are written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pypinyin import lazy_pinyin

from world import places
from world.seeds import scramble

Ints = npt.NDArray[np.int64]
Objects = npt.NDArray[np.object_]
# Characters of trade names, each read differently, so that two names never share a mail domain.
FIRST_ZH = "瑞恒华盛鸿嘉金联博安泰宏远东海正中新天宇诚永康明智美佳德立隆达丰林凯思优云"
SECOND_ZH = "源信达通丰泰和业科创兴恩茂腾飞驰润扬龙利"
# A third character and a word before keep companies apart once the combinations are used up.
THIRD_ZH = "祥顺昌福庆裕荣升旺益卓尚锐智朗宝晟硕耀锦"
BEFORE = ["Old", "New", "Royal", "Upper", "Lower", "Great", "Little", "Golden", "High", "Far", "White", "Twin", "Green"]
TRADES_ZH = (
    "贸易",
    "商贸",
    "电子商务",
    "礼品",
    "家居用品",
    "工艺品",
    "文化传播",
    "日用品",
    "食品",
    "纺织",
    "科技",
    "供应链管理",
)
SUFFIXES_ZH = ("有限公司", "有限责任公司", "股份有限公司")
FIRST = [
    "Amber",
    "Harbour",
    "Willow",
    "Crown",
    "Silver",
    "North",
    "Maple",
    "Beacon",
    "Orchard",
    "Castle",
    "River",
    "Cedar",
    "Summit",
    "Lantern",
    "Anchor",
    "Meadow",
    "Thistle",
    "Falcon",
    "Bramble",
    "Copper",
    "Marble",
    "Sable",
    "Vale",
    "Hazel",
    "Quill",
    "Raven",
    "Saffron",
    "Tundra",
    "Umber",
    "Vesper",
    "Wren",
    "Yarrow",
    "Zephyr",
    "Opal",
    "Pine",
    "Gable",
    "Fern",
    "Dune",
    "Coral",
    "Basil",
]
SECOND = [
    "field",
    "gate",
    "bridge",
    "wood",
    "stone",
    "brook",
    "light",
    "ford",
    "mill",
    "side",
    "croft",
    "dale",
    "shore",
    "land",
    "ridge",
    "point",
    "wick",
    "worth",
    "bury",
    "combe",
    "moor",
    "hurst",
    "bourne",
    "cliff",
    "haven",
]
TRADES = (
    "Textiles", "Gifts", "Trading", "Interiors", "Stationery", "Foods", "Crafts", "Ceramics", "Logistics", "Retail",
    "Events", "Supplies", "Gardens", "Toys",
)  # fmt: skip
SUFFIXES = {"Germany": ("GmbH", "AG", "KG"), "USA": ("Inc.", "LLC", "Corp."), "France": ("SARL", "SAS", "SA")}
LIMITED = ("Ltd", "Limited", "PLC", "LLP")
LONG_SUFFIXES = {
    "Ltd": "Limited", "Limited": "LTD.", "GmbH": "Gesellschaft mbH", "Inc.": "Incorporated", "LLC": "L.L.C.",
    "Corp.": "Corporation", "PLC": "plc", "AG": "A.G.", "SA": "S.A.",
}  # fmt: skip
INDUSTRIES = ("Retail", "Wholesale", "Hospitality", "Education", "Manufacturing", "Services")
INDUSTRIES_ZH = ("零售", "批发", "酒店餐饮", "教育", "制造", "服务")


@dataclass
class Companies:
    """Arrays of one length, one element a company; `country` is sorted."""

    number: Ints
    country: Ints
    city: Ints
    core: Objects
    suffix: Objects
    address: Objects
    switchboard: Objects
    domain: Objects
    registration: Objects
    industry: Ints
    employees: Ints

    def __len__(self) -> int:
        return len(self.number)

    def draw_employers(self, rng: np.random.Generator, country: Ints) -> Ints:
        """A company in each country, -1 where it has none; sizes follow a power law."""
        first, last = (np.searchsorted(self.country, country, side) for side in ("left", "right"))
        place = first + (rng.random(len(country)) ** 2.2 * (last - first)).astype(np.int64)
        return np.where(last > first, place, -1)

    def legal(self, which: int) -> str:
        """The full legal name."""
        core, suffix = self.core[which], self.suffix[which]
        return f"{core}{suffix}" if self.country[which] == 0 else f"{core} {suffix}"

    def written(self, which: int, style: int) -> str:
        """The name as somebody may write it: suffix left out, spelled otherwise, city in brackets, other case."""
        core, suffix = self.core[which], self.suffix[which]
        if self.country[which] == 0:
            return _written_zh(core, suffix, style)
        legal = f"{core} {suffix}"
        ways = (
            legal,
            core,
            f"{core} {LONG_SUFFIXES.get(suffix, suffix)}",
            legal.upper(),
            f"{core}, {suffix}",
            legal.lower(),
        )
        return ways[style % 6] if style % 16 < 12 else legal


def company_ids(numbers: Ints) -> list[str]:
    """The truth's name of each company; never written to a source."""
    return [f"company-{number:07d}" for number in numbers.tolist()]


def draw_companies(rng: np.random.Generator, numbers: Ints, country: Ints | None = None) -> Companies:
    """Make companies; their names are unique by number."""
    count = len(numbers)
    country = np.sort(places.draw_countries(rng, count) if country is None else country)
    city = places.draw_cities(rng, country)
    spread = [(land, int(town), int(n)) for land, town, n in zip(country, city, numbers, strict=True)]
    cores = [_core_zh(town, n) if land == 0 else _core(n) for land, town, n in spread]
    return Companies(
        number=numbers, country=country, city=city,
        core=np.array([core for core, _ in cores], dtype=object),
        suffix=np.array(list(map(_suffix, country.tolist(), rng.random(count).tolist())), dtype=object),
        address=places.addresses(rng, country, city),
        switchboard=places.landlines(country, city, numbers, "switchboard"),
        domain=np.array([f"{slug}.example" for _, slug in cores], dtype=object),
        registration=np.array([_registration(land, n) for land, _, n in spread], dtype=object),
        industry=rng.integers(0, len(INDUSTRIES), count),
        employees=(4 * rng.pareto(1.2, count) + 2).astype(np.int64),
    )  # fmt: skip


def _core_zh(town: int, number: int) -> tuple[str, str]:
    """City, trade name and trade, and the mail domain; the city is told by the address, the rest by the number."""
    capacity = len(FIRST_ZH) * len(SECOND_ZH) * len(TRADES_ZH)
    rest = int(scramble(number, capacity, "company zh"))
    rest, trade = divmod(rest, len(TRADES_ZH))
    first, second = divmod(rest, len(SECOND_ZH))
    city = places.cities(0)[town][1]
    name = FIRST_ZH[first] + SECOND_ZH[second]
    if number >= capacity:
        name += THIRD_ZH[(number // capacity - 1) % len(THIRD_ZH)]
    slug = "".join(lazy_pinyin(name)) + f"-{number % 46_655:x}"
    return f"{city}{name}{TRADES_ZH[trade]}", slug


def _core(number: int) -> tuple[str, str]:
    capacity = len(FIRST) * len(SECOND) * len(TRADES)
    rest = int(scramble(number, capacity, "company"))
    rest, trade = divmod(rest, len(TRADES))
    first, second = divmod(rest, len(SECOND))
    name = FIRST[first] + SECOND[second]
    if number >= capacity:
        name = f"{BEFORE[(number // capacity - 1) % len(BEFORE)]} {name}"
    return f"{name} {TRADES[trade]}", f"{name}-{TRADES[trade]}-{number % 46_655:x}".lower().replace(" ", "-")


def _suffix(land: int, draw: float) -> str:
    name = places.COUNTRIES[land].name
    if name == "China":
        return SUFFIXES_ZH[0 if draw < 0.75 else 1 if draw < 0.9 else 2]
    options = SUFFIXES.get(name, LIMITED)
    return options[int(draw * len(options))]


def _registration(land: int, number: int) -> str:
    """A registration number of the right shape in a district (99) that does not exist."""
    digits = int(scramble(number, 1_000_000_000, "registration"))
    return f"919900{digits:09d}99X" if land == 0 else f"X{digits:09d}"


def _written_zh(core: str, suffix: str, style: int) -> str:
    legal = core + suffix
    city = next(name for _, name, _ in places.cities(0) if core.startswith(name))
    rest = core[len(city) :]
    ways = (
        legal,
        f"{rest}({city}){suffix}",
        core,
        f"{city}市{rest}{suffix}",
        f"{rest[:2]}{city}",
        legal.replace("有限责任公司", "有限公司"),
    )
    return ways[style % 6] if style % 16 < 12 else legal
