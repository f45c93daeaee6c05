"""The shop's goods: codes, names in both languages, categories and prices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

COLOURS = (
    ("RED", "红色"),
    ("BLUE", "蓝色"),
    ("IVORY", "象牙白"),
    ("VINTAGE", "复古"),
    ("PINK", "粉色"),
    ("WOODEN", "木质"),
)
CATEGORIES: dict[str, tuple[tuple[str, str, float], ...]] = {
    "kitchen": (("CAKE TIN SET", "蛋糕罐套装", 7.5), ("TEA TOWEL", "茶巾", 2.95), ("ENAMEL JUG", "搪瓷壶", 9.95),
                ("SPOON REST", "勺托", 1.65), ("TEAPOT", "茶壶", 12.5)),
    "decoration": (("HANGING HEART", "挂饰爱心", 2.55), ("LANTERN", "灯笼", 4.25), ("PHOTO FRAME", "相框", 5.95),
                   ("WALL CLOCK", "挂钟", 14.95), ("BUNTING", "彩旗", 4.95)),
    "stationery": (("NOTEBOOK", "笔记本", 1.45), ("GIFT WRAP", "包装纸", 0.42), ("CARD HOLDER", "卡片夹", 2.1),
                   ("PENCIL CASE", "文具袋", 3.75), ("STICKER SHEET", "贴纸", 0.85)),
    "bags": (("LUNCH BAG", "午餐袋", 1.95), ("SHOPPER BAG", "购物袋", 2.25), ("WEEKEND BAG", "旅行包", 19.95),
             ("COIN PURSE", "零钱包", 2.95), ("CHARM BAG", "锦囊", 0.95)),
    "garden": (("PLANT POT", "花盆", 3.45), ("WATERING CAN", "洒水壶", 8.5), ("BIRD HOUSE", "鸟屋", 10.75),
               ("GARDEN SIGN", "花园牌", 2.95), ("SEED BOX", "种子盒", 5.45)),
    "toys": (("SPINNING TOP", "陀螺", 1.25), ("JIGSAW BLOCKS", "拼图积木", 3.95), ("DOLL HOUSE", "娃娃屋", 24.95),
             ("SKIPPING ROPE", "跳绳", 2.25), ("PUPPET", "木偶", 6.35)),
    "lighting": (("NIGHT LIGHT", "小夜灯", 6.95), ("T-LIGHT HOLDER", "烛台", 1.25), ("FAIRY LIGHTS", "串灯", 8.95),
                 ("DESK LAMP", "台灯", 29.95), ("CANDLE SET", "蜡烛套装", 4.65)),
    "christmas": (("TREE BAUBLE", "圣诞球", 0.85), ("ADVENT CALENDAR", "降临节日历", 9.95), ("STOCKING", "圣诞袜",
        3.25),
                  ("WREATH", "花环", 11.5), ("CRACKER BOX", "彩炮盒", 6.75)),
}  # fmt: skip


@dataclass(frozen=True)
class Catalogue:
    """Arrays of one length, one element a product; prices in GBP; sorted by category, then price."""

    code: npt.NDArray[np.object_]
    name: npt.NDArray[np.object_]
    name_zh: npt.NDArray[np.object_]
    category: npt.NDArray[np.int64]
    price: npt.NDArray[np.float64]
    categories: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.code)

    def draw(
        self, rng: np.random.Generator, category: npt.NDArray[np.int64], worth: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.int64]:
        """A product of each category that costs at most 1.2 times `worth`; the cheapest where none does."""
        result = np.zeros(len(category), dtype=np.int64)
        draws = rng.random(len(category))
        for kind in range(len(self.categories)):
            rows = np.flatnonzero(category == kind)
            members = np.flatnonzero(self.category == kind)
            affordable = np.maximum(np.searchsorted(self.price[members], 1.2 * worth[rows], "right"), 1)
            result[rows] = members[(draws[rows] * affordable).astype(np.int64)]
        return result


@cache
def catalogue() -> Catalogue:
    """The invented shop's goods, the same in every world."""
    rows = [
        (kind, price * (1.0 + 0.08 * shade), f"{colour} {name}", f"{colour_zh}{name_zh}")
        for kind, goods in enumerate(CATEGORIES.values())
        for name, name_zh, price in goods
        for shade, (colour, colour_zh) in enumerate(COLOURS)
    ]
    rows.sort()
    codes = [str(20_000 + 37 * place) + ("B" if place % 11 == 0 else "") for place in range(len(rows))]
    return Catalogue(
        code=np.array(codes, dtype=object),
        name=np.array([name for _, _, name, _ in rows], dtype=object),
        name_zh=np.array([name for *_, name in rows], dtype=object),
        category=np.array([kind for kind, *_ in rows]),
        price=np.round([price for _, price, *_ in rows], 2),
        categories=tuple(CATEGORIES),
    )
