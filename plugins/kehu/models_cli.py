"""`kehu rollback-model`: let the champion before the current one score again."""

from __future__ import annotations

from typing import Annotated

import typer

from kehu.local.terminal import fail, say, warehouse

app = typer.Typer(add_completion=False)


@app.command(name="rollback-model")
def rollback_model(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="churn or value")],
) -> None:
    """Go back to the previous champion of a question; it scores from the night after the published one on."""
    from kehu.warehouse.roles import Role, as_role
    from kehu.warehouse.runs import published_night
    from ml.registry import store
    from ml.registry.contest import roll_back
    from ml.registry.files import RegistryError
    from ml.retrain import QUESTIONS

    if question not in QUESTIONS:
        fail(f"there are no models of {question}, only of {' and '.join(QUESTIONS)}")
    url = as_role(warehouse("there are no models yet"), Role.ML)
    night = published_night(url)
    horizon = store.champion_horizon(url, question)
    if night is None or horizon is None:
        fail(f"{question}: there is no champion yet")
    try:
        done = roll_back(url, QUESTIONS[question], night.as_of_date, horizon)
    except RegistryError as error:
        fail(str(error))
    say(
        f"{done.model_version} scores {question} from the night after {night.as_of_date} on;"
        f" {done.champion_version} is retired"
    )
