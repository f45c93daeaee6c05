"""A linked world's truth for the records of the night: who really stands behind each."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bench.identity_metrics import false_merges, score_clusters
from bench.identity_sets import UNKNOWN, LabelledSet, codes

HANDLES = "social.handles"
SOCIAL_IDS = {"posts": "post_id", "mentions": "mention_id", "reactions": "reaction_id"}
Mask = npt.NDArray[np.bool_]


def score_world(records: pa.Table, assignments: pa.Table, truth_folder: Path) -> dict:
    """Scores by kind of the night's customer ids against the truth of a linked world.

    Parameters
    ----------
    records
        `intermediate.int_identity_records`, both kinds.
    assignments
        The current rows of `identity.assignments`: kind, record_key, customer_id.
    truth_folder
        The world's `truth`; its neighbour `sources` tells which posts a handle wrote.
    """
    result = {}
    for kind in ("person", "company"):
        own = records.filter(pc.equal(records["kind"], kind))
        labelled = world_set(own, truth_folder, kind)
        given = (
            assignments.filter(pc.equal(assignments["kind"], kind)).to_pandas().set_index("record_key")["customer_id"]
        )
        keys = own["record_key"].to_pandas()
        customer = given.reindex(keys).to_numpy()
        missing = pd.isna(customer)
        result[kind] = score_customers(labelled, np.where(missing, keys, customer)) | {"unassigned": int(missing.sum())}
    return result


def score_customers(labelled: LabelledSet, customer: npt.NDArray) -> dict:
    """Scores of one customer for each row: over all records whose truth is known, and without social handles.

    No system tells who is behind a handle, so the second figure is what can be reached.
    """
    known = labelled.truth != UNKNOWN
    named = known & ~_is_handle(labelled.records)
    result = {
        "all_records": _scores(labelled, customer, known),
        "without_social_handles": _scores(labelled, customer, named),
        "largest_cluster_of_all": int(np.bincount(pd.factorize(customer)[0]).max(initial=0)),
        "records_of_unknown_truth": int((~known).sum()),
    }
    if labelled.household is not None:
        phones = [labelled.records["phones"][row].as_py() for row in np.flatnonzero(known)]
        result["households"] = false_merges(labelled.truth[known], customer[known], labelled.household[known], phones)
    return result


def world_set(records: pa.Table, truth_folder: Path, kind: str) -> LabelledSet:
    """The records of one kind with their true person (and household) or company.

    A record of a person that names a company has that person's company as its truth, unless the person changed jobs:
    which of the two it names is not told.
    """
    people = pd.read_parquet(truth_folder / "people.parquet").set_index("person_id")
    truth = _true_records(truth_folder)
    keys = records["record_key"].to_pandas()
    names = [_truth_key(key) for key in keys]
    person = truth["person_id"].reindex(names).to_numpy()
    if kind == "person":
        household = people["household_id"].reindex(person).to_numpy()
        return LabelledSet(records, _codes(person), _codes(household))
    before, now = people["company_id"].reindex(person), people["company_id_new"].reindex(person)
    employer = before.where(before.eq(now) | now.isna()).to_numpy()
    company = truth["company_id"].reindex(names).to_numpy()
    return LabelledSet(records, _codes(np.where(pd.isna(company), employer, company)))


def _scores(labelled: LabelledSet, customer: npt.NDArray, rows: Mask) -> dict:
    sources = labelled.records["source"].to_pandas().to_numpy()
    return score_clusters(labelled.truth[rows], customer[rows], sources[rows])


def _true_records(truth_folder: Path) -> pd.DataFrame:
    """person_id and company_id by '<source>.<entity>:<record_id>', handles added."""
    table = pd.read_parquet(truth_folder / "records.parquet")
    table.index = pd.Index(table["source"].astype(str) + "." + table["entity"].astype(str) + ":" + table["record_id"])
    table = table[["person_id", "company_id"]]
    wrote = _writers(truth_folder.parent / "sources" / "social")
    handles = pd.Series(table["person_id"].reindex(list(wrote)).to_numpy(), index=list(wrote.values())).dropna()
    handles = handles[~handles.index.duplicated()]
    return pd.concat([table, handles.to_frame("person_id")])


def _writers(folder: Path) -> dict[str, str]:
    """The handle of each post, mention and reaction, both as record keys; who reacts is where the post is."""
    platforms, found = {}, {}
    for entity, name in SOCIAL_IDS.items():
        for path in sorted(folder.glob(f"{entity}_*.jsonl*")):
            lines = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            for row in map(json.loads, lines.splitlines()):
                platform = row.get("platform") or platforms.get(row.get("post_id")) or ""
                if entity == "posts":
                    platforms[row[name]] = platform
                handle = row["handle"].lstrip("@").lower()
                found[f"social.{entity}:{row[name]}"] = f"{HANDLES}:{platform}/{handle}"
    return found


def _truth_key(key: str) -> str:
    """The key in the truth of what a record of the night was made from."""
    entity, _, record = key.partition(":")
    if entity == HANDLES:
        return key
    record = record.partition("#")[0]
    if entity == "shop.orders":
        return f"shop.order_lines:{record}"
    if entity == "web.logins":
        return f"shop.accounts:{record.partition('/')[0]}"
    return f"{entity}:{record}"


def _is_handle(records: pa.Table) -> Mask:
    return pc.starts_with(records["record_key"], f"{HANDLES}:").to_numpy(zero_copy_only=False)


def _codes(values: npt.NDArray) -> npt.NDArray[np.int64]:
    numbers = codes(pd.Series(values, dtype=object))
    numbers[pd.isna(values)] = UNKNOWN
    return numbers
