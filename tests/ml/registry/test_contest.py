"""Challengers through the real registry: ten bad ones, a good one, failures, a rollback, nights in any order."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import psycopg
import pytest
from typer.testing import CliRunner

from kehu import models_cli
from ml import retrain
from ml.churn.model import ChurnClassifier
from ml.churn.recipe import MODEL_VERSION
from ml.churn.train import INPUTS
from ml.fits import Fit
from ml.registry import speakers, store
from ml.registry.contest import judge_challenger, roll_back, train_challenger
from ml.registry.files import RegistryError
from ml.registry.night import speaker
from tests.ml.churn.worlds import HORIZON, snapshots
from tests.ml.registry.bad import BadChurn
from tests.ml.registry.worlds import DAY, SmallQuestion, remembered, shifted

WEEK = timedelta(days=7)


def trainer(method="blend", seed=0, fault=None):
    def train(features):
        rows = features.labelled
        column = len(INPUTS) - 1
        made = ChurnClassifier(method, column, seed) if fault is None else BadChurn(method, column, seed, fault)
        return remembered(made, rows), Fit("churn", MODEL_VERSION, method, False, "A test's model.", len(rows))

    return train


ASKED = SmallQuestion()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Back-tests fit each recipe on each window once."""
    monkeypatch.setattr("ml.churn.question.fit_on", remembered)


def rows_of(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def status(url):
    return dict(rows_of(url, "select model_version, status from ml.model_statuses"))


def scored(url, night, question=None):
    """The scores that a night gets, and the model they come from."""
    features = shifted(snapshots(), night)
    model, fit = speaker(url, question or SmallQuestion(trainer()), night, HORIZON, 1, lambda: features)
    return ASKED.predict(model, ASKED.night_rows(features)), fit


def contest(url, question, night=DAY + WEEK):
    train_challenger(url, question, night)
    return judge_challenger(url, question, night)


def test_the_first_night_trains_a_champion_and_a_second_time_goes_by_it(url):
    first, fit = scored(url, DAY)
    assert status(url) == {fit.model_version: "champion"}
    refused = SmallQuestion(lambda _: pytest.fail("trained again"))
    again, same = scored(url, DAY, refused)
    assert same.model_version == fit.model_version
    assert np.array_equal(again, first)
    assert fit.model_version.startswith(f"{MODEL_VERSION}-")
    (row,) = rows_of(url, "select data_from, data_to, count_rows, horizon_days, length(data_hash) from ml.models")
    labelled = snapshots()[snapshots()["has_churned"].notna()]
    days = labelled["snapshot_date"]
    assert row == (days.min(), days.max(), len(labelled), HORIZON, 64)


FAULTS = {
    "turned round": "wrong way round",
    "tells everybody the same": "hardly ranks",
    "knows nothing": "hardly ranks",
    "too sure": "calibration error",
    "too high": "calibration error",
    "missing": "missing or infinite",
    "learned from turned labels": "wrong way round",
    "learned from shuffled labels": "calibration error",
    "large": "bytes",
    "slow": "CPU seconds",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_challenger_is_rejected_and_the_champion_stays(url, fault):
    _, fit = scored(url, DAY)
    outcome = contest(url, SmallQuestion(trainer(fault=fault)))
    assert outcome.outcome == "rejected"
    assert any(np.char.find(reason, word) >= 0 for reason in outcome.reasons for word in FAULTS[fault].split("|")), (
        outcome.reasons
    )
    assert status(url) == {fit.model_version: "champion", outcome.model_version: "rejected"}
    assert scored(url, DAY + 2 * WEEK)[1].model_version == fit.model_version


def test_a_good_recipe_whose_last_training_alone_went_wrong_is_rejected(url):
    def spoiled(features):
        rows = features.labelled
        turned = rows.assign(has_churned=~rows["has_churned"].astype(bool))
        return remembered(ChurnClassifier("boosting", len(INPUTS) - 1), turned), Fit(
            "churn", MODEL_VERSION, "boosting", False, "A test's model.", len(rows)
        )

    scored(url, DAY, SmallQuestion(trainer("boosting")))
    outcome = contest(url, SmallQuestion(spoiled))
    assert outcome.outcome == "rejected"
    assert any("wrong way round" in reason for reason in outcome.reasons), outcome.reasons


def test_training_rows_further_from_tonight_than_the_champions_are_a_reason(url):
    scored(url, DAY)
    rows = snapshots()
    is_past = rows["snapshot_date"] < rows["as_of_date"]
    grown = rows.assign(purchase_amount=rows["purchase_amount"].where(~is_past, rows["purchase_amount"] * 1000))
    outcome = contest(url, SmallQuestion(trainer(), grown))
    assert outcome.outcome == "rejected"
    assert any("purchase_amount has drifted" in reason for reason in outcome.reasons)


def test_a_challenger_that_is_no_worse_scores_from_the_next_night_on(url):
    _, old = scored(url, DAY)
    night = DAY + WEEK
    outcome = contest(url, SmallQuestion(trainer()), night)
    assert (outcome.outcome, outcome.champion_version) == ("promoted", old.model_version), outcome.reasons
    assert status(url) == {old.model_version: "retired", outcome.model_version: "champion"}
    assert scored(url, night)[1].model_version == old.model_version
    assert scored(url, night + timedelta(days=1))[1].model_version == outcome.model_version
    assert judge_challenger(url, SmallQuestion(trainer()), night).outcome == "unchanged"


def test_nights_in_any_order_around_a_promotion_get_the_same_scores(url):
    scored(url, DAY)
    contest(url, SmallQuestion(trainer()))
    nights = [DAY + timedelta(days=days) for days in (1, 6, 7, 8, 30)]
    forward = {night: scored(url, night) for night in nights}
    assert len({fit.model_version for _, fit in forward.values()}) == 2
    for night in (nights[i] for i in (3, 0, 4, 2, 1)):
        again, fit = scored(url, night)
        assert fit == forward[night][1]
        assert np.array_equal(again, forward[night][0])


def test_a_rollback_brings_the_previous_champion_back_and_there_is_none_before_it(url):
    _, old = scored(url, DAY)
    promoted = contest(url, SmallQuestion(trainer()))
    night = DAY + 2 * WEEK
    question = SmallQuestion(trainer())
    assert roll_back(url, question, night, HORIZON).model_version == old.model_version
    assert scored(url, night)[1].model_version == promoted.model_version
    assert scored(url, night + timedelta(days=1))[1].model_version == old.model_version
    assert status(url) == {old.model_version: "champion", promoted.model_version: "retired"}
    with pytest.raises(RegistryError, match="no earlier champion"):
        roll_back(url, question, night, HORIZON)


def test_the_command_rolls_a_question_back_and_says_in_one_line_why_it_cannot(url, monkeypatch):
    def asked(*arguments):
        done = CliRunner().invoke(models_cli.app, arguments)
        return done.exit_code, done.output.strip()

    monkeypatch.setattr(models_cli, "warehouse", lambda *_: url)
    monkeypatch.setitem(retrain.QUESTIONS, "churn", SmallQuestion(trainer()))
    assert asked("weather") == (1, "there are no models of weather, only of churn and value")
    assert asked("churn") == (1, "churn: there is no champion yet")
    _, old = scored(url, DAY)
    new = contest(url, SmallQuestion(trainer()))
    with psycopg.connect(url) as connection:
        connection.execute("insert into ops.runs (as_of_date, airflow_run_id) values (%s, 'x')", [DAY + 2 * WEEK])
        connection.execute("update store.current set run_id = (select max(run_id) from ops.runs)")
    assert asked("churn") == (
        0,
        f"{old.model_version} scores churn from the night after {DAY + 2 * WEEK} on; {new.model_version} is retired",
    )
    assert scored(url, DAY + 3 * WEEK)[1].model_version == old.model_version
    assert asked("churn") == (1, "churn: there is no earlier champion to go back to")


def test_a_failed_training_keeps_the_champion_and_nights_tell_of_it_until_one_succeeds(url):
    def fail(_):
        raise MemoryError("no room\nsecret row")

    _, old = scored(url, DAY)
    with pytest.raises(MemoryError):
        train_challenger(url, SmallQuestion(fail), DAY + WEEK)
    _, that_night = scored(url, DAY + WEEK)
    _, fit = scored(url, DAY + WEEK + timedelta(days=1))
    assert that_night.training_failure is None
    assert (fit.model_version, fit.training_failure) == (old.model_version, "training: no room")
    assert judge_challenger(url, SmallQuestion(trainer()), DAY + WEEK).outcome == "unchanged"
    contest(url, SmallQuestion(trainer()), DAY + 2 * WEEK)
    assert scored(url, DAY + 3 * WEEK)[1].training_failure is None


def test_a_model_that_cannot_be_measured_is_a_failure_not_a_promotion(url, monkeypatch):
    _, old = scored(url, DAY)
    question = SmallQuestion(trainer())
    train_challenger(url, question, DAY + WEEK)
    monkeypatch.setattr(SmallQuestion, "measure", lambda *_: (_ for _ in ()).throw(ValueError("broken")))
    with pytest.raises(ValueError, match="broken"):
        judge_challenger(url, question, DAY + WEEK)
    assert scored(url, DAY + 2 * WEEK)[1].model_version == old.model_version
    assert store.failure(url, "churn", DAY + 2 * WEEK) == "back-test: broken"


def test_other_code_another_horizon_or_library_is_no_champion_and_the_night_trains(url):
    scored(url, DAY)
    question = SmallQuestion(trainer())
    assert store.champion(url, question, DAY, HORIZON)
    assert store.champion(url, question, DAY, HORIZON + 1) is None
    assert store.champion(url, question, DAY - timedelta(days=1), HORIZON) is None
    question.code_version = "churn-999"
    assert store.champion(url, question, DAY, HORIZON) is None


def test_rows_are_only_added(url):
    scored(url, DAY)
    for table in ("models", "model_events"):
        for statement in (
            f"update ml.{table} set question = 'x'",
            f"delete from ml.{table}",
            f"truncate ml.{table} cascade",
        ):
            with psycopg.connect(url) as connection, pytest.raises(psycopg.Error, match="only added to"):
                connection.execute(statement)


def test_a_champion_whose_bytes_were_changed_stops_the_night(url):
    scored(url, DAY)
    with psycopg.connect(url) as connection:
        connection.execute("alter table ml.models disable trigger only_added")
        connection.execute("alter table ml.models drop constraint models_check")
        connection.execute("update ml.models set content = set_byte(content, 1000, 255 - get_byte(content, 1000))")
    with pytest.raises(RegistryError, match="have been changed"):
        scored(url, DAY)


def test_a_night_whose_champion_goes_is_not_trained_on_features_that_were_made_for_it(url):
    told = "select question, horizon_days from ml.speakers"
    speakers.tell(url, DAY, [ASKED])
    assert rows_of(url, told) == [("churn", None)]
    _, fit = scored(url, DAY)
    speakers.tell(url, DAY + WEEK, [ASKED])
    assert rows_of(url, told) == [("churn", HORIZON)]
    newer = SmallQuestion(trainer())
    newer.code_version = "of another recipe"
    with pytest.raises(RegistryError, match="its champion went while the night was built"):
        scored(url, DAY + WEEK, newer)
    speakers.ask_for_training(url)
    _, other = scored(url, DAY + WEEK, newer)
    assert other.model_version != fit.model_version
