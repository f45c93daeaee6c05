"""Countries, regions and cities, and addresses that nobody has.

Regions and cities are real names; streets, house numbers and post codes are invented: each country's post codes lie in
a range that its post has not given out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from world.seeds import scramble


@dataclass(frozen=True)
class Country:
    """What writing an address or a phone number of the country takes; the shop's own word for it is `name`."""

    name: str
    native: str
    share: float
    calling: str
    trunk: str
    mobile: str  # beginnings of national numbers no subscriber has, joined by spaces
    mobile_digits: int  # digits after the beginning
    landline: str  # the same for landlines: what follows the area code
    landline_digits: int
    post: str  # beginning of post codes that do not exist
    post_digits: int
    cities: str  # "region/city/area code", joined by commas


COUNTRIES = [
    Country(
        "China", "中国", 0.45, "86", "", "160 161 163 164 168 169", 8, "1", 7, "99", 4,
        "上海/上海/21,北京/北京/10,广东/深圳/755,广东/广州/20,浙江/杭州/571,浙江/宁波/574,江苏/苏州/512,江苏/南京/25,"
        "四川/成都/28,湖北/武汉/27,福建/厦门/592,山东/青岛/532,陕西/西安/29,湖南/长沙/731,重庆/重庆/23,天津/天津/22",
    ),
    Country(
        "United Kingdom", "United Kingdom", 0.34, "44", "0", "71", 8, "0", 6, "ZZ", 1,
        "London/London/203,South East/Brighton/1273,North West/Manchester/161,Scotland/Glasgow/141,"
        "Wales/Cardiff/292,West Midlands/Birmingham/121,Yorkshire/Leeds/113,South West/Bristol/117,"
        "East of England/Norwich/1603,Northern Ireland/Belfast/289",
    ),
    Country(
        "Germany", "Deutschland", 0.08, "49", "0", "1500", 8, "0", 7, "00", 3,
        "Berlin/Berlin/30,Bayern/München/89,Hamburg/Hamburg/40,Hessen/Frankfurt/69,Nordrhein-Westfalen/Köln/221",
    ),
    Country(
        "France", "France", 0.06, "33", "0", "70", 7, "0", 7, "00", 3,
        "Île-de-France/Paris/1,Auvergne-Rhône-Alpes/Lyon/4,Provence/Marseille/4,Bretagne/Rennes/2,Occitanie/Toulouse/5",
    ),
    Country(
        "USA", "USA", 0.07, "1", "", "290 291 292 293 294 295", 7, "0", 6, "000", 2,
        "California/San Diego/293,New York/Buffalo/294,Texas/Austin/295,Illinois/Chicago/296,Ohio/Columbus/297",
    ),
    Country(
        "Elsewhere", "Elsewhere", 0.0, "999", "", "5", 8, "4", 7, "X", 4,
        "Elsewhere/Port Amber/10,Elsewhere/Northhaven/11",
    ),
]  # fmt: skip
# Countries where a few of the real shop's customers live: no cities of their own, and a calling code that nobody has.
SMALL = (
    "EIRE,Australia,Austria,Bahrain,Belgium,Brazil,Canada,Channel Islands,Cyprus,Czech Republic,Denmark,"
    "European Community,Finland,Greece,Hong Kong,Iceland,Israel,Italy,Japan,Lebanon,Lithuania,Malta,Netherlands,Norway,"
    "Poland,Portugal,RSA,Saudi Arabia,Singapore,Spain,Sweden,Switzerland,United Arab Emirates,Unspecified"
)
COUNTRIES += [replace(COUNTRIES[-1], name=name, native=name) for name in SMALL.split(",")]
BY_NAME = {country.name: number for number, country in enumerate(COUNTRIES)}
MADE = sum(country.share > 0 for country in COUNTRIES)  # the first ones: countries of made-up worlds
ROADS_ZH = "晨光,云溪,竹影,望湖,松涛,锦帆,听雨,星桥,枫林,银杏,海棠,青石,白鹭,橘洲,兰亭,秋水"
DISTRICTS_ZH = ["东湖区", "新城区", "南岭区", "西园区", "北港区", "高新园区"]
ROADS = (
    "Amber Birch Cobalt Dovecote Elder Foxglove Granary Heron Ivory Juniper Kestrel Larch Meadow Nettle Osprey Quarry"
)
KINDS = {
    "United Kingdom": "Lane|Road|Close|Street",
    "Germany": "weg|straße|allee|platz",
    "USA": "Avenue|Drive|Street|Court",
}


@cache
def cities(country: int) -> list[tuple[str, str, str]]:
    """Region, city and area code of each city of the country."""
    return [tuple(city.split("/")) for city in COUNTRIES[country].cities.split(",")]  # type: ignore[misc]


def draw_countries(rng: np.random.Generator, count: int) -> npt.NDArray[np.int64]:
    """Countries by their shares."""
    shares = np.array([country.share for country in COUNTRIES])
    return rng.choice(len(COUNTRIES), count, p=shares / shares.sum())


def draw_cities(rng: np.random.Generator, country: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """A city's number within its country; the first ones are larger."""
    sizes = np.array([len(cities(number)) for number in range(len(COUNTRIES))])
    return (rng.random(len(country)) ** 1.4 * sizes[country]).astype(np.int64)


Address = tuple[str, str, str, str]  # street with number, city, region, post code


def addresses(
    rng: np.random.Generator, country: npt.NDArray[np.int64], city: npt.NDArray[np.int64]
) -> npt.NDArray[np.object_]:
    """An invented address for each."""
    count = len(country)
    draws = rng.integers(0, 1 << 30, (count, 4))
    result = np.empty(count, dtype=object)
    rows = zip(country.tolist(), city.tolist(), *draws.T.tolist(), strict=True)
    for row, (land, town, road, kind, house, code) in enumerate(rows):
        region, name, _ = cities(land)[town]
        result[row] = (_street(land, road, kind, house), name, region, _post_code(land, code))
    return result


def _street(land: int, road: int, kind: int, house: int) -> str:
    number = 1 + house % 240
    name = ROADS.split()[road % 16]
    match COUNTRIES[land].name:
        case "China":
            flat = f"{1 + kind % 30}栋{101 + house // 240 % 2000}室"
            return f"{DISTRICTS_ZH[kind % 6]}{ROADS_ZH.split(',')[road % 16]}{'路街道'[kind % 3]}{number}号{flat}"
        case "Germany":
            return f"{name}{KINDS['Germany'].split('|')[kind % 4]} {number}"
        case "France":
            return f"{number} {('rue', 'avenue', 'place', 'allée')[kind % 4]} {name}"
        case other:
            return f"{number} {name} {KINDS.get(other, KINDS['United Kingdom']).split('|')[kind % 4]}"


def _post_code(land: int, code: int) -> str:
    country = COUNTRIES[land]
    digits = f"{code % 10**country.post_digits:0{country.post_digits}d}"
    if country.name == "United Kingdom":
        letters = "ABDEFGHJLNPQRSTUWXYZ"
        return f"{country.post}{digits} {code // 10 % 10}{letters[code // 100 % 20]}{letters[code // 2000 % 20]}"
    return country.post + digits


def mobiles(country: npt.NDArray[np.int64], index: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    """Mobile numbers in E.164, unique per country and index, in blocks without subscribers."""
    result = np.empty(len(country), dtype=object)
    for land, facts in enumerate(COUNTRIES):
        rows = np.flatnonzero(country == land)
        beginnings = facts.mobile.split()
        width = facts.mobile_digits
        numbers = scramble(index[rows], 10**width * len(beginnings), f"mobile {land}")
        texts = [f"+{facts.calling}{beginnings[n // 10**width]}{n % 10**width:0{width}d}" for n in numbers.tolist()]
        result[rows] = texts
    return result


def landlines(
    country: npt.NDArray[np.int64], city: npt.NDArray[np.int64], index: npt.NDArray[np.int64], kind: str
) -> npt.NDArray[np.object_]:
    """Landline numbers in E.164 in the city's area code, in blocks without subscribers."""
    result = np.empty(len(country), dtype=object)
    for land, facts in enumerate(COUNTRIES):
        rows = np.flatnonzero(country == land)
        width = facts.landline_digits
        numbers = scramble(index[rows], 10**width, f"{kind} {land}")
        towns = zip(numbers.tolist(), city[rows].tolist(), strict=True)
        result[rows] = [f"+{facts.calling}{cities(land)[t][2]}{facts.landline}{n:0{width}d}" for n, t in towns]
    return result
