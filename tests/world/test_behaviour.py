"""The purchase process, the spend and the texts are what the truth says they are."""

from __future__ import annotations

import json
import re
from datetime import date

import numpy as np
import pandas as pd
import pytest

from ml.value.bg_nbd import BgNbd
from ml.value.gamma_gamma import GammaGamma
from tests.world.conftest import World
from world.experience import THEMES
from world.parameters import PARAMETERS
from world.products import catalogue
from world.purchases import draw_purchases, expected_purchases
from world.span import Span
from world.texts.say import say

SCORED = {("surveys", "csat"): ("score", 5), ("surveys", "nps"): ("score", 10), ("social", "posts"): ("rating", 5)}


def test_rates_and_drop_out_have_the_stated_means(world: World):
    truth = world.truth("purchases_truth")
    rate, dropout = truth["rate_per_day"], truth["dropout_probability"]
    assert rate.mean() == pytest.approx(PARAMETERS.r / PARAMETERS.alpha, rel=0.08)
    assert dropout.mean() == pytest.approx(PARAMETERS.a / (PARAMETERS.a + PARAMETERS.b), rel=0.08)
    spend = PARAMETERS.spend_p * PARAMETERS.spend_v / (PARAMETERS.spend_q - 1)
    assert truth["mean_spend_gbp"].mean() == pytest.approx(spend, rel=0.08)
    parameters = json.loads((world.folder / "truth" / "parameters.json").read_text())
    assert parameters["r"] == PARAMETERS.r


def test_fits_find_the_parameters_again():
    span = Span(date(2023, 1, 1), date(2024, 12, 31))
    made = draw_purchases(np.random.default_rng(8), 20_000, span, PARAMETERS)
    frame = pd.DataFrame({"customer": made.customer, "day": made.day, "worth": made.worth})
    by = frame.groupby("customer")["day"].agg(["min", "max", "size"])
    x = by["size"].to_numpy() - 1.0
    model = BgNbd().fit(np.column_stack([x, by["max"] - by["min"], span.days - by["min"]]))
    assert not model.is_fallback_
    fit = model.parameters_
    for name in ("r", "alpha"):
        assert fit[name] == pytest.approx(getattr(PARAMETERS, name), rel=0.12)
    assert fit["a"] / (fit["a"] + fit["b"]) == pytest.approx(PARAMETERS.a / (PARAMETERS.a + PARAMETERS.b), rel=0.1)
    repeats = frame[frame["customer"].duplicated()].groupby("customer")["worth"].mean()
    spend = GammaGamma().fit(np.column_stack([x[repeats.index], repeats]))
    assert not spend.is_fallback_
    mean = PARAMETERS.spend_p * PARAMETERS.spend_v / (PARAMETERS.spend_q - 1)
    assert spend.population_mean_ == pytest.approx(mean, rel=0.05)


def test_what_is_expected_comes_to_pass(world: World):
    truth = world.truth("purchases_truth")
    assert truth["count_next_365_days"].sum() == pytest.approx(truth["expected_next_365_days"].sum(), rel=0.12)
    assert (truth.loc[~truth["alive_at_end"], "count_next_365_days"] == 0).all()
    assert expected_purchases(np.array([0.1]), np.array([0.0]), 30.0) == pytest.approx(3.0)


def test_invoices_agree_with_the_truth(world: World):
    lines = pd.DataFrame([row for _, row in world.rows["shop", "order_lines"]])
    records = world.truth("records").query("entity == 'order_lines'")
    lines["worth"] = lines["Quantity"].astype(int) * lines["UnitPrice"].astype(float)
    sales = lines[~lines["InvoiceNo"].str.startswith("C") & (lines["CustomerID"] != "")]
    orders = sales.groupby("InvoiceNo")["worth"].sum().reset_index()
    orders = orders.merge(records, left_on="InvoiceNo", right_on="record_id")
    counted = orders.groupby("person_id").size()
    truth = world.truth("purchases_truth").set_index("person_id")
    assert (truth["count_purchases"] == counted.reindex(truth.index)).all()
    weighted = (truth["mean_spend_gbp"] * truth["count_purchases"]).sum() / truth["count_purchases"].sum()
    assert orders["worth"].mean() == pytest.approx(weighted, rel=0.05)
    assert lines["InvoiceNo"].str.startswith("C").mean() > 0.005


@pytest.mark.parametrize(("source", "entity"), list(SCORED))
def test_scores_agree_with_what_the_texts_mean(world: World, source: str, entity: str):
    field, highest = SCORED[source, entity]
    key = "response_id" if source == "surveys" else "post_id"
    score = {row[key]: row[field] for _, row in world.rows[source, entity] if row[field] is not None}
    texts = world.truth("texts").query("source == @source and entity == @entity").set_index("record_id")["sentiment"]
    scored = texts[texts.index.isin(score.keys())]
    value = scored.index.map(score).to_numpy()
    low, high = (6, 9) if highest == 10 else (2, 4)
    told = np.where(value >= high, 1, np.where(value <= low, -1, 0))
    assert len(scored) > 50
    assert (told == scored.to_numpy()).mean() > 0.95


def test_unhappy_customers_drop_out_more(world: World):
    texts = world.truth("texts").query("source == 'support' and entity == 'complaints'")
    records = world.truth("records").query("source == 'support' and entity == 'complaints'")
    unhappy = records[records["record_id"].isin(texts["record_id"])]["person_id"].unique()
    truth = world.truth("purchases_truth")
    complained = truth["person_id"].isin(unhappy)
    assert (~truth.loc[complained, "alive_at_end"]).mean() > (~truth.loc[~complained, "alive_at_end"]).mean() + 0.1


@pytest.mark.parametrize("is_chinese", [True, False])
@pytest.mark.parametrize("sentiment", [-1, 0, 1])
def test_every_theme_has_hundreds_of_sentences(is_chinese: bool, sentiment: int):
    rng = np.random.default_rng(1)
    for theme in range(len(THEMES)):
        count = 1500
        texts = say(
            rng,
            np.full(count, is_chinese),
            np.full(count, sentiment),
            np.full(count, theme),
            np.full(count, -1),
            catalogue(),
        )
        assert len(set(texts)) > 300, THEMES[theme]


def test_texts_are_in_both_languages_and_mixed(world: World):
    texts = world.truth("texts")
    assert texts["language"].value_counts(normalize=True).min() > 0.25
    assert set(texts["sentiment"]) == {-1, 0, 1}
    assert set(texts["theme"]) == set(THEMES)
    bodies = [row["body"] for _, row in world.rows["support", "tickets"]]
    assert any(
        re.search(r"[\u4e00-\u9fff].* (really disappointed|so bad|no good|thanks|very nice)", body) for body in bodies
    )
