"""About 2,000 products, made of a grade, a good and a pack, and how popular each is with each taste."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from domain.synthetic.categories import CATEGORIES, Category
from domain.synthetic.randomness import Stream, stream
from domain.synthetic.tables import Table, numbered, texts

_GRADE_PRICE = {
    "有机": 1.8,
    "进口": 1.9,
    "特级": 1.5,
    "精选": 1.25,
    "冰鲜": 1.1,
    "家庭装": 0.97,
    "餐饮装": 0.9,
}
_PACKS = (("500g", 1.0), ("1kg", 1.9), ("5kg", 8.8))
_PACK_SHARE = {"household": (0.62, 0.34, 0.04), "business": (0.08, 0.27, 0.65)}
_QUANTILES = 1 << 15


@dataclass(frozen=True, slots=True)
class _Good:
    category: Category
    grade: str
    name: str
    yuan: float
    pack: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """The products; `drawn[is_business, taste, u]`, u uniform below 2^15, draws one by popularity."""

    table: Table
    unit_price_cents: NDArray[np.int64]
    smallest_pack: NDArray[np.int64]
    """For each product, the same in its smallest pack."""
    by_price: NDArray[np.int64]
    drawn: NDArray[np.int16]


def build_shelf(seed: int) -> Shelf:
    random = stream(seed, Stream.PRODUCTS)
    goods = _goods()
    cents = _prices(random, goods)
    organic = np.array([good.grade == "有机" for good in goods])
    imported = np.array([good.grade == "进口" for good in goods])
    high_margin = np.array([good.category.high_margin for good in goods]) | organic | imported
    table = {
        "external_id": numbered("P", np.arange(1, len(goods) + 1), 5),
        "name": texts(*(f"{good.grade}{good.name} {good.pack}" for good in goods)),
        "category": texts(*(good.category.name for good in goods)),
        "unit_price": cents,
        "unit_cost": np.round(cents * np.where(high_margin, 0.45, 0.75)).astype(np.int64),
        "high_margin": high_margin,
        "organic": organic,
        "imported": imported,
    }
    fame = 1 / (random.permutation(len(goods)) // len(CATEGORIES) + 3.0) ** 0.9  # Zipf
    number = np.arange(len(goods))
    smallest_pack = number - number % len(_PACKS)
    return Shelf(table, cents, smallest_pack, np.argsort(cents, kind="stable"), _drawing_table(fame))


def _goods() -> list[_Good]:
    return [
        _Good(category, grade, name, float(price) * size * _GRADE_PRICE.get(grade, 1), pack)
        for category in CATEGORIES
        for name, price in (good.split() for good in category.goods.split(","))
        for grade in category.grades
        for pack, size in _PACKS
    ]


def _prices(random: Generator, goods: list[_Good]) -> NDArray[np.int64]:
    """Around what such a pack costs, to the tenth of a yuan; from ten yuan on, one less: 12.90, not 13.00."""
    yuan = np.array([good.yuan for good in goods]) * random.uniform(0.92, 1.08, len(goods))
    cents = np.maximum(np.round(yuan * 10) * 10, 50).astype(np.int64)
    return np.where((cents >= 1000) & (cents % 100 == 0), cents - 10, cents)


def _drawing_table(fame: NDArray[np.float64]) -> NDArray[np.int16]:
    """Products by quantile of popularity: drawing one is a look-up, not a search."""
    per_category = len(fame) // len(CATEGORIES)
    taste = np.repeat(np.array([c.tastes for c in CATEGORIES], dtype=float), per_category, axis=0).T + 0.15
    packs = np.array([_PACK_SHARE["household"], _PACK_SHARE["business"]])
    shares = fame * taste[None] * np.tile(packs, len(fame) // len(_PACKS))[:, None]
    cumulative = np.cumsum(shares, axis=2)
    cumulative /= cumulative[:, :, -1:]
    at = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    rows = [np.searchsorted(row, at) for row in cumulative.reshape(-1, len(fame))]
    return np.array(rows, dtype=np.int16).reshape(2, taste.shape[0], _QUANTILES)
