"""The peer: plain Splink, well set, with its own comparisons and its own clustering by connected components.

Splink has no certain keys, such as an order's account: those that ours uses join the peer's clusters afterwards.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink.internals.comparison_creator import ComparisonCreator
from splink.internals.splink_dataframe import SplinkDataFrame

from ml.identity.settings import Keys, Kind, load

THREADS = 2
PREDICT_AT = 0.5
CLUSTER_AT = (0.5, 0.9, 0.95, 0.99)
PAIRS_FOR_U = 1e7
PAIRS_FOR_EM = 1e6
EM_RUNS = 3
PAIRS_PER_RECORD = 20  # a rule of one column that makes more pairs is left out
LEAST_FILLED = 0.01
FIRST_OF = {"mail": "mails", "phone": "phones", "domain": "domains", "device": "devices"}
SINGLE = ("given_name", "surname", "name_key", "birth_date", "street", "city", "postcode", "company", "registration",
          "identifier")  # fmt: skip
STRONG = ("identifier", "registration", "mail", "phone", "domain", "device")
# Of each list the rules whose columns are all there.
BLOCKS = [
    *((name,) for name in STRONG), ("name_key",), ("surname", "birth_date"), ("given_name", "birth_date"),
    ("surname", "postcode"), ("given_name", "postcode"), ("street", "postcode"), ("street", "city"),
    ("given_name", "surname", "city"),
]  # fmt: skip
WIDE = [("surname",), ("birth_date",), ("given_name",), ("postcode",)]  # where the set is small enough for them
SURE = [
    *((name,) for name in STRONG if name not in ("phone", "domain", "device")),
    ("surname", "given_name", "birth_date"),
]
EM_BLOCKS = [("given_name", "surname"), ("birth_date",), ("mail",), ("name_key",), ("postcode",), ("phone",), ("city",)]
OF_COMPANIES = [("company",)]  # a good rule where records are companies, a bad one for the people who work there


def link_plain(records: pa.Table, kind: Kind = "person", *, in_parts: bool = False) -> Iterator[tuple[str, pa.Table]]:
    """Yield ('links', left_key right_key match_probability) and then a clustering for each threshold, as it is made.

    Clusterings are ('0.5', record_key cluster) and so on. Of list columns the peer knows the first element.
    `in_parts` compares street, city and postcode each for itself: good where few share an address, else bad.
    """
    held = held_keys(records, load().of(kind).keys)
    logging.getLogger("splink").setLevel(logging.ERROR)
    connection = duckdb.connect(config={"threads": THREADS})
    columns = _prepare(connection, records)
    connection.unregister("records")
    del records
    linker = _trained(connection, columns, in_parts)
    predictions = linker.inference.predict(threshold_match_probability=PREDICT_AT)
    links = predictions.as_pyarrow_table().select(["unique_id_l", "unique_id_r", "match_probability"])
    yield "links", links.rename_columns(["left_key", "right_key", "match_probability"])
    for threshold in CLUSTER_AT:
        yield str(threshold), join_by_keys(_clusters(linker, predictions, threshold), held)


def held_keys(records: pa.Table, keys: Keys) -> pd.DataFrame:
    """record_key and key (a number) of the certain keys that the records hold, without those above the cap."""
    if "keys" not in records.column_names:
        return pd.DataFrame({"record_key": [], "key": []})
    held = records.select(["record_key", "keys"]).to_pandas().explode("keys").dropna()
    held = held[held["keys"].str.partition(":")[0].isin((*keys.own, *keys.linked))]
    held = held[held.groupby("keys")["record_key"].transform("size") <= keys.cap]
    return pd.DataFrame({"record_key": held["record_key"], "key": pd.factorize(held["keys"])[0]})


def join_by_keys(clusters: pa.Table, held: pd.DataFrame) -> pa.Table:
    """Clusters one of whose records has a key of another's become one."""
    if held.empty:
        return clusters
    cluster, names = pd.factorize(clusters["cluster"].to_pandas())
    of_record = pd.Series(cluster, index=clusters["record_key"].to_pandas())
    ends = of_record.loc[held["record_key"]].to_numpy(), held["key"].to_numpy() + len(names)
    size = len(names) + int(held["key"].max()) + 1
    joined = connected_components(coo_matrix((np.ones(len(held)), ends), shape=(size, size)), directed=False)[1]
    return clusters.set_column(1, "cluster", pa.array(joined[cluster]))


def _clusters(linker: Linker, predictions: SplinkDataFrame, threshold: float) -> pa.Table:
    made = linker.clustering.cluster_pairwise_predictions_at_threshold(predictions, threshold).as_pyarrow_table()
    return made.select(["unique_id", "cluster_id"]).rename_columns(["record_key", "cluster"])


def _prepare(connection: duckdb.DuckDBPyConnection, records: pa.Table) -> set[str]:
    """Create the table `plain`, one value a column; names of the columns that hold something."""
    chosen = {name: name for name in SINGLE if name in records.column_names}
    chosen |= {name: f"{many}[1]" for name, many in FIRST_OF.items() if many in records.column_names}
    select = ", ".join(f"{expression} as {name}" for name, expression in chosen.items())
    connection.register("records", records)
    connection.execute(f"create table plain as select record_key as unique_id, {select} from records").fetchall()
    filled = ", ".join(f"count({name}) >= {LEAST_FILLED} * count(*)" for name in chosen)
    row = connection.execute(f"select {filled} from plain").fetchall()[0]
    return {name for name, is_filled in zip(chosen, row, strict=True) if is_filled}


def _trained(connection: duckdb.DuckDBPyConnection, columns: set[str], in_parts: bool) -> Linker:
    api = DuckDBAPI(connection)
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=list(_comparisons(columns, in_parts)),
        blocking_rules_to_generate_predictions=[block_on(*rule) for rule in _blocks(connection, columns)],
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=False,
    )
    linker = Linker(api.register("plain"), settings)
    training = linker.training
    em_rules = _rules(_by_company(columns) + EM_BLOCKS, columns)[:EM_RUNS]
    sure = [block_on(*rule) for rule in _rules(SURE, columns) or em_rules[:1]]
    training.estimate_probability_two_random_records_match(sure, recall=0.7)
    training.estimate_u_using_random_sampling(max_pairs=PAIRS_FOR_U, seed=1)
    for rule in em_rules:
        training.estimate_parameters_using_expectation_maximisation(block_on(*rule), max_pairs=PAIRS_FOR_EM)
    return linker


def _blocks(connection: duckdb.DuckDBPyConnection, columns: set[str]) -> list[tuple[str, ...]]:
    """The usual rules, and single columns as long as they add few pairs."""
    wide = []
    for (name,) in _rules(WIDE, columns):
        sizes = f"select count(*) as n from plain where {name} is not null group by {name}"
        pairs = f"select sum(n * (n - 1) / 2) <= {PAIRS_PER_RECORD} * sum(n) from ({sizes})"
        wide += [(name,)] if connection.execute(pairs).fetchall()[0][0] else []
    return _rules(BLOCKS + _by_company(columns), columns) + wide


def _by_company(columns: set[str]) -> list[tuple[str, ...]]:
    return [] if "surname" in columns else OF_COMPANIES


def _rules(rules: list[tuple[str, ...]], columns: set[str]) -> list[tuple[str, ...]]:
    return [rule for rule in rules if set(rule) <= columns]


def _comparisons(columns: set[str], in_parts: bool) -> Iterator[ComparisonCreator]:
    """Splink's ready comparison for each column that is there."""
    names = {"given_name", "surname"} <= columns
    if names:
        for name in ("given_name", "surname"):
            yield cl.NameComparison(name).configure(term_frequency_adjustments=True)
    elif "name_key" in columns:
        yield cl.NameComparison("name_key")
    ready = {
        "birth_date": cl.DateOfBirthComparison("birth_date", input_is_string=False),
        "mail": cl.EmailComparison("mail"),
        "phone": cl.LevenshteinAtThresholds("phone", [1, 2]),
        "company": cl.JaroWinklerAtThresholds("company", [0.92, 0.85]),
        "identifier": cl.DamerauLevenshteinAtThresholds("identifier", [1, 2]),
    }
    ready |= {name: cl.ExactMatch(name) for name in ("registration", "domain", "device", "key")}
    yield from (comparison for name, comparison in ready.items() if name in columns)
    if {"street", "postcode", "city"} <= columns and not in_parts:
        yield _address()
        return
    parts = {
        "postcode": cl.LevenshteinAtThresholds("postcode"),
        "street": cl.JaroWinklerAtThresholds("street", [0.92, 0.85]),
        "city": cl.JaroWinklerAtThresholds("city", [0.9]).configure(term_frequency_adjustments=True),
    }
    yield from (comparison for name, comparison in parts.items() if name in columns)


def _address() -> ComparisonCreator:
    """One comparison for the whole address: three would count the same evidence three times."""
    nothing = cll.And(*(cll.NullLevel(name) for name in ("street", "postcode", "city")))
    street, postcode, city = (cll.ExactMatchLevel(name) for name in ("street", "postcode", "city"))
    near = cll.JaroWinklerLevel("street", 0.9)
    place = cll.Or(postcode, city, cll.LevenshteinLevel("postcode", 1))
    levels = [
        nothing,
        cll.And(street, place),
        cll.And(near, place),
        cll.Or(street, near),
        postcode,
        city,
        cll.ElseLevel(),
    ]
    return cl.CustomComparison(output_column_name="address", comparison_levels=levels)
