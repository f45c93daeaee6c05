from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from ml.recommend.evaluate import back_test, known_before, measures
from ml.recommend.job import score_frame, train
from ml.recommend.model import NextProducts

NIGHT = date(2024, 3, 5)
# Tea and cup go together, so do saw and nail; the mug sold long ago, the bulb to one customer only.
BASKETS = {
    "a": ["tea", "cup"],
    "b": ["tea", "cup"],
    "c": ["tea", "cup", "saw"],
    "d": ["saw", "nail"],
    "e": ["saw", "nail"],
    "f": ["tea"],
    "g": ["saw"],
    "h": ["mug"],
    "i": ["mug", "tea"],
    "j": ["bulb"],
}


def purchases(baskets=None, old=("mug",)) -> pd.DataFrame:
    rows = [(c, p) for c, products in (baskets or BASKETS).items() for p in products]
    frame = pd.DataFrame(rows, columns=["customer_id", "product_id"])
    recent = pd.Series(date(2024, 3, 1), index=frame.index)
    frame["last_bought_date"] = recent.where(~frame["product_id"].isin(old), date(2023, 1, 1))
    frame["as_of_date"] = NIGHT
    frame["scored_at"] = pd.Timestamp("2024-03-06", tz="UTC")
    frame["recommendation_count"] = 2
    frame["recommendation_recent_days"] = 90
    return frame


def of(rows: pd.DataFrame, customer: str) -> list[tuple]:
    chosen = rows[rows["customer_id"] == customer]
    return list(chosen[["rank", "product_id", "method", "bought_with_product_id"]].itertuples(index=False, name=None))


@pytest.fixture(scope="module")
def recommended() -> pd.DataFrame:
    return NextProducts(shrinkage=0).fit(purchases()).recommend(purchases(), 2)


def test_what_was_bought_with_it_comes_first(recommended):
    assert of(recommended, "f")[0] == (1, "cup", "bought_with", "tea")
    assert of(recommended, "g")[0] == (1, "nail", "bought_with", "saw")


def test_likeness_by_hand():
    model = NextProducts(shrinkage=10).fit(purchases())
    tea, cup = (list(model.products_).index(name) for name in ("tea", "cup"))
    # Five bought tea, three cups, three both.
    assert model.similar_[tea, cup] == pytest.approx(3 / (15**0.5 + 10))
    assert model.together_[tea, cup] == 3
    assert model.similar_[tea, tea] == 0


def test_who_bought_nothing_that_tells_gets_what_is_popular(recommended):
    # The bulb was never bought with anything; tea and saw have most buyers, saw before tea in none but the count.
    assert of(recommended, "j") == [(1, "tea", "popular", None), (2, "saw", "popular", None)]
    assert recommended.loc[recommended["customer_id"] == "j", "score"].tolist() == [5.0, 4.0]
    assert recommended.loc[recommended["customer_id"] == "j", "count_bought_together"].isna().all()


def test_neither_what_one_has_nor_what_is_not_sold_any_more(recommended):
    owned = {(c, p) for c, products in BASKETS.items() for p in products}
    assert not owned & set(recommended[["customer_id", "product_id"]].itertuples(index=False, name=None))
    assert "mug" not in set(recommended["product_id"])
    # Tea was bought with the mug, which still gives the reason.
    assert of(recommended, "h")[0] == (1, "tea", "bought_with", "mug")


def test_reasons_count_the_customers_of_both(recommended):
    row = recommended[(recommended["customer_id"] == "f") & (recommended["rank"] == 1)].iloc[0]
    assert (row["bought_with_product_id"], row["count_bought_together"]) == ("tea", 3)


def test_rows_in_any_order_and_customers_by_themselves_give_the_same_bits():
    rows = purchases()
    model = NextProducts().fit(rows)
    every = model.recommend(rows, 2)
    shuffled = rows.sample(frac=1, random_state=4)
    pd.testing.assert_frame_equal(NextProducts().fit(shuffled).recommend(shuffled, 2), every, check_exact=True)
    alone = model.recommend(rows[rows["customer_id"] == "c"], 2)
    expected = every[every["customer_id"] == "c"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, expected, check_exact=True)


def test_one_customer_who_has_everything_gets_nothing():
    rows = purchases({"a": ["tea", "cup"]})
    assert NextProducts().fit(rows).recommend(rows, 5).empty


def test_one_product():
    rows = purchases({"a": ["tea"], "b": ["tea"]})
    assert NextProducts().fit(rows).recommend(rows, 5).empty


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="last_bought_date"):
        NextProducts().fit(purchases().drop(columns="last_bought_date"))
    with pytest.raises(ValueError, match="nobody"):
        NextProducts().fit(purchases().iloc[:0])


def test_rows_for_the_warehouse():
    model, fit = train(purchases())
    rows = score_frame(model, purchases())
    assert fit.count_customers == len(BASKETS)
    assert rows.groupby("customer_id")["rank"].max().max() == 2
    required = rows.drop(columns=["bought_with_product_id", "count_bought_together"])
    assert required.notna().all().all()


def test_measures_by_hand():
    ranked = pd.DataFrame({"customer_id": ["a"] * 3, "rank": [1, 2, 3], "product_id": ["x", "y", "z"]})
    truth = pd.Series({"a": {"x", "z", "w"}, "b": {"x"}})
    recall, precision = measures(ranked, truth)
    assert recall == pytest.approx((2 / 3 + 0) / 2)
    # Hits at ranks 1 and 3 of three there could be; customer b was recommended nothing.
    assert precision == pytest.approx(((1 + 2 / 3) / 3 + 0) / 2)


def test_a_back_test_knows_nothing_of_the_day_it_starts():
    bought = pd.DataFrame(
        [("a", "tea", date(2024, 1, 1)), ("a", "cup", date(2024, 1, 2)), ("b", "tea", date(2024, 1, 1))]
        + [("b", "cup", date(2024, 2, 1)), ("b", "tea", date(2024, 2, 1)), ("new", "tea", date(2024, 2, 1))],
        columns=["customer_id", "product_id", "bought_date"],
    )
    known = known_before(bought, date(2024, 2, 1))
    assert len(known) == 3
    assert set(known["as_of_date"]) == {date(2024, 1, 31)}
    measured = back_test(bought, [date(2023, 12, 1), date(2024, 2, 1)])
    # Only b bought something new to b; the first cut has no past.
    assert measured["cut"].tolist() == [date(2024, 2, 1)]
    assert measured["count_customers"].tolist() == [1]
    assert measured["recall_model"].tolist() == [1.0]


def test_what_nobody_buys_any_more_is_not_recommended_for_want_of_others():
    rows = purchases({"a": ["tea", "mug"], "b": ["tea"]})
    assert NextProducts().fit(rows).recommend(rows, 5).empty


def test_of_two_equally_alike_products_the_one_bought_lately_by_more_comes_first():
    rows = purchases({"a": ["tea", "new", "old"], "b": ["tea", "new", "old"], "c": ["tea"]})
    rows.loc[(rows["customer_id"] == "a") & (rows["product_id"] == "new"), "last_bought_date"] = date(2023, 1, 1)
    told = NextProducts().fit(rows).recommend(rows, 2)
    assert told.loc[told["customer_id"] == "c", "product_id"].tolist() == ["old", "new"]
