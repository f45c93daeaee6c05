"""The stages of the nightly DAG: thin tasks around the rooms that do the work.

Everything heavy is imported inside the tasks: parsing the DAG must stay cheap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kehu.airflow.stages import stage
from kehu.warehouse.roles import Role
from kehu.warehouse.runs import Counts, Night, last_finished, rows_out, status

SCORES = ("score_segments", "score_value", "score_churn", "score_feedback", "score_recommendations")


@stage(
    "require_sources",
    "Goes on when every source the night cannot do without has landed; a source it can do without may have failed: its"
    " tables stay as they were, and `rpt_source_freshness` and the report call them stale.",
    role=Role.LOADER,
    trigger_rule="all_done",
)
def require_sources(url: str, night: Night) -> Counts:
    """Stop the night if a required source failed."""
    from kehu.sources.config import load
    from kehu.sources.contract import SourceError
    from kehu.warehouse.entities import forget_others
    from kehu.warehouse.runs import stages

    sources = load()
    forget_others(url, [source.name for source in sources])
    ingests = {stage.stage: stage for stage in stages(url, night.run_id)}
    for source in sources:
        ingest = ingests.get(f"ingest_{source.name}")
        if source.required and (ingest is None or ingest.state != "success"):
            why = (ingest and ingest.error) or "its ingest did not end"
            raise SourceError(source.name, "required source", why.removeprefix(f"{source.name}: "))
    rows = rows_out(url, night.run_id, [f"ingest_{source.name}" for source in sources])
    return Counts(rows, rows)


@stage(
    "check_raw",
    "Checks what landed with Great Expectations. Rows that break a rule are quarantined (`ops.quarantine`), a broken"
    " file stops the run.",
    role=Role.LOADER,
)
def check_raw(url: str, night: Night) -> Counts:
    """Open or close the raw gate."""
    from expectations.docs import documented
    from expectations.raw_gate import check_raw as check
    from kehu.paths import data_docs_folder

    with documented(url, night, data_docs_folder()):
        return check(url, night)


@dataclass(frozen=True)
class Layer:
    """One dbt layer: what a person should know, what dbt selects, and the stages whose rows it takes in."""

    doc: str
    select: tuple[str, ...]
    reads: tuple[str, ...] = ()


STAGED = (
    "shop",
    "zoho_crm",
    "fxiaoke",
    "web",
    "support",
    "surveys",
    "social",
    "consents",
    "payments",
    "reference",
    "lists",
    "ops",
)
CONTACT = ("feedback", "service", "sales")
LAYERS = {
    "build_staging": Layer(
        "the newest accepted version of each source row, renamed, cast, trimmed; what each record says of its customer",
        (
            "path:seeds",
            *(f"path:models/staging/{folder}" for folder in STAGED),
            "path:models/intermediate/identity/values",
        ),
    ),
    "build_identity": Layer(
        "what each record says of its customer, in a form that compares",
        ("path:models/staging/identity/dictionaries", "path:models/intermediate/identity/records"),
        ("build_staging",),
    ),
    "build_intermediate": Layer(
        "what kind of line each line is, which credit cancels which sale, who belongs to which company, and what"
        " customers said, asked and may buy",
        (
            "path:models/staging/identity/graph",
            "path:models/intermediate/*.sql",
            "path:models/intermediate/identity/customers",
            *(f"path:models/intermediate/{area}" for area in ("customer", "transaction", *CONTACT)),
        ),
        ("build_staging",),
    ),
    "build_marts": Layer(
        "customers, orders, feedback, service and sales, in a schema of this run",
        tuple(f"path:models/marts/{area}" for area in ("customer", "transaction", *CONTACT)),
        ("build_intermediate",),
    ),
    "build_features": Layer(
        "what was known of each customer on each snapshot date, and nothing later; what tags may ask of customers",
        ("path:models/ml_features",),
        ("build_marts",),
    ),
    "build_candidates": Layer(
        "scores and history back through staging; what lists for action may ask, and what was handed out before",
        (*(f"path:models/staging/{folder}" for folder in ("ml", "history")), "path:models/list_candidates"),
        (*SCORES, "keep_history"),
    ),
    "build_score_marts": Layer(
        "scores, history and lists into marts and reports; exact reconciliation",
        (
            *(
                f"path:models/marts/{area}"
                for area in ("value", "voices", "offers", "history", "tags", "lists", "quality")
            ),
            "path:models/publish",
            "path:tests",
        ),
        ("build_candidates", "keep_lists"),
    ),
}


def dbt_stage(name: str) -> Any:
    """The stage that builds and tests one layer of `LAYERS`."""
    layer = LAYERS[name]

    def build_layer(url: str, night: Night) -> Counts:
        from kehu.airflow.dbt import build, target_folder
        from kehu.warehouse.manifests import keep
        from kehu.warehouse.publish import PublishError
        from kehu.warehouse.quarantine import accepted_rows

        if status(url, night) != "open":
            raise PublishError(f"run {night.run_id} is attached already: rerun the night from open_night instead")
        rows_in = (
            rows_out(url, night.run_id, layer.reads)
            if layer.reads
            else accepted_rows(url, "shop", "order_lines", night)
        )
        inputs_from = last_finished(url, night.run_id, before=name)
        if name == "build_features":
            _tell_speakers(url, night)
        is_last = name == list(LAYERS)[-1]
        rows = build(url, night, layer.select, inputs_from, leaves_manifest=is_last)
        if is_last:
            keep(url, night, target_folder() / "manifest.json")
        return Counts(rows_in, rows)

    return stage(name, f"dbt: {layer.doc}.", role=Role.TRANSFORMER)(build_layer)


def _tell_speakers(url: str, night: Night) -> None:
    """Let the features leave out what only training reads, where nothing is to be trained."""
    from ml.registry.speakers import tell
    from ml.retrain import QUESTIONS

    tell(url, night.as_of_date, QUESTIONS.values())


@stage(
    "normalise_values",
    "Brings names, mail addresses, phones, companies, addresses and birth dates that were never seen before into a form"
    " that compares; each once, kept in the dictionaries `identity.normal_…`. Mail addresses and phones get keyed"
    " pseudonyms (`identity.pseudonyms`).",
    role=Role.ML,
)
def normalise_values(url: str, night: Night) -> Counts:
    """Fill the dictionaries."""
    from kehu.privacy.keys import PSEUDONYMS, HashKey
    from kehu.privacy.pseudonyms import pseudonymise
    from ml.identity.normalise.job import normalise

    key = HashKey.from_environment(PSEUDONYMS)
    rows = normalise(url, night.as_of_date)
    pseudonymise(url, key)
    return Counts(rows, rows)


@stage(
    "identify_customers",
    "Splink, keys and decisions: which records are the same person or company. Compares what is new or changed. Ids"
    " stay (`identity.assignments`, `identity.merge_log`), doubtful pairs go to `rpt_identity_review`.",
    role=Role.ML,
)
def identify_customers(url: str, night: Night) -> Counts:
    """Keep the graph of customers."""
    from kehu.paths import decisions_file, identity_settings
    from ml.identity.job import identify
    from ml.identity.settings import load

    return identify(url, night, load(identity_settings()), decisions_file())


@stage(
    "keep_history",
    "Keeps what tonight knows of customers, personal fields sealed under a key of each person's own, and who has which"
    " tag by the registry `tags.yml`, beside what other nights knew (`history.…`); a night run late is spliced in.",
    role=Role.ML,
)
def keep_history(url: str, night: Night) -> Counts:
    """Keep the night."""
    import psycopg

    from kehu.paths import tag_registry
    from kehu.privacy.sealing import keep_night
    from kehu.privacy.vault import Vault
    from kehu.tags.night import keep_tags
    from kehu.tags.registry import load

    registry, vault = load(tag_registry()), Vault.from_environment()
    with psycopg.connect(url) as connection:
        changed = keep_night(connection, night, vault)
        changed += keep_tags(connection, night, registry)
    return Counts(rows_out=changed)


@stage(
    "keep_lists",
    "Keeps who is on which list for action tonight, by the registry `lists.yml`, within consent, contact caps and"
    " budgets (`history.list_candidates`). Quarantined are outcomes that belong to no row of a list.",
    role=Role.ML,
)
def keep_lists(url: str, night: Night) -> Counts:
    """Keep the lists."""
    import psycopg

    from kehu.lists.night import keep_lists as keep
    from kehu.lists.night import quarantined_outcomes
    from kehu.lists.registry import load
    from kehu.paths import list_registry

    registry = load(list_registry())
    with psycopg.connect(url) as connection:
        return Counts(None, keep(connection, night, registry), quarantined_outcomes(connection))


@stage(
    "score_segments",
    "RFM scores, segments, and clusters that keep their identity from night to night.",
    role=Role.ML,
)
def score_segments(url: str, night: Night) -> Counts:
    """Score segments."""
    from ml.segments.job import score

    return score(url, night.as_of_date)


@stage(
    "score_value",
    "Expected purchases and customer value by the champion of the model registry; trains the first one where there is"
    " none.",
    role=Role.ML,
)
def score_value(url: str, night: Night) -> Counts:
    """Score customer value."""
    from ml.value.job import score

    return score(url, night.as_of_date, night.run_id)


@stage(
    "score_churn",
    "The probability of no purchase within the churn horizon with its reasons, by the champion of the model registry;"
    " trains the first one where there is none, and stops if a feature seems to know the future. Survival curves.",
    role=Role.ML,
)
def score_churn(url: str, night: Night) -> Counts:
    """Score churn."""
    from ml.churn.job import score

    return score(url, night.as_of_date, night.run_id)


@stage(
    "monitor_models",
    "Measures whether the models that scored tonight still work: drift of inputs and scores, and how scores given one"
    " horizon ago met what happened since (`fct_model_monitors`). An alert never stops a night.",
    role=Role.ML,
)
def monitor_models(url: str, night: Night) -> Counts:
    """Monitor the models."""
    from ml.registry.monitor import monitor
    from ml.retrain import QUESTIONS

    return monitor(url, night.as_of_date, QUESTIONS.values())


@stage(
    "score_feedback",
    "Reads texts that are new, or that a new week's model has not read: sentiment and needs.",
    role=Role.ML,
)
def score_feedback(url: str, night: Night) -> Counts:
    """Score feedback."""
    from ml.feedback.job import score

    return score(url, night.as_of_date)


@stage(
    "score_recommendations",
    "Next products for each customer, by what customers of the same products bought.",
    role=Role.ML,
)
def score_recommendations(url: str, night: Night) -> Counts:
    """Score recommendations."""
    from ml.recommend.job import score

    return score(url, night.as_of_date)


@stage(
    "attach_marts",
    "Attaches the run's marts to the store, unseen, so that they are audited where they will be read.",
    role=Role.PUBLISHER,
)
def attach_marts(url: str, night: Night) -> Counts:
    """Attach the night."""
    from kehu.warehouse.publish import attach

    rows = sum(attach(url, night).values())
    return Counts(rows, rows)


@stage(
    "check_scores",
    "Checks the attached scores with Great Expectations; a failure keeps the night unpublished.",
    role=Role.PUBLISHER,
)
def check_scores(url: str, night: Night) -> Counts:
    """Open or close the score gate."""
    from expectations.docs import documented
    from expectations.score_gate import check_scores as check
    from kehu.paths import data_docs_folder
    from ml.segments.model import SEGMENTS

    with documented(url, night, data_docs_folder()):
        return check(url, night, SEGMENTS)


@stage(
    "publish",
    "Moves the pointer that all `marts` views read, then retires runs that are no longer kept.",
    role=Role.PUBLISHER,
)
def publish(url: str, night: Night) -> Counts:
    """Show the night to readers."""
    from kehu.warehouse.publish import publish as move_pointer
    from kehu.warehouse.publish import retire

    move_pointer(url, night)
    retire(url)
    rows = rows_out(url, night.run_id, ["attach_marts"])
    return Counts(rows, rows)


@stage(
    "report",
    "Writes the night's report, one HTML file, from the published marts.",
    role=Role.PUBLISHER,
)
def report(url: str, night: Night) -> Counts:
    """Write the report."""
    from kehu.paths import reports_folder
    from kehu.report.render import write_report

    write_report(url, night, reports_folder())
    return Counts()
