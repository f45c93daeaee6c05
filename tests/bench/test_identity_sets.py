"""FEBRL's and anybody's files as records, and the hard set."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from bench.identity_hard import hard_set
from bench.identity_sets import febrl, read_set

COLUMNS = "given_name, surname, street_number, address_1, address_2, suburb, postcode, state, date_of_birth, soc_sec_id"
FEBRL_LINES = f"""rec_id, {COLUMNS}
rec-7-org, , waller, 6, tullaroop street, , st james, 4011, wa, 19081209, 6988048
rec-7-dup-0, ann, waller, 6, tullaroop street, , st james, 4011, wa, 19081399, 6988048
rec-8-org, bob, berry, , giblin street, , bittern, 4814, qld, , 7364009
"""


def test_febrl_rows_become_records_with_their_truth(tmp_path):
    (tmp_path / "dataset2.csv").write_text(FEBRL_LINES)
    labelled = febrl(2, tmp_path)
    assert labelled is not None
    first, again, other = labelled.records.to_pylist()
    assert first["given_name"] is None
    assert first["street"] == "6 tullaroop street"
    assert (first["birth_date"], again["birth_date"], other["birth_date"]) == (date(1908, 12, 9), None, None)
    assert other["street"] == "giblin street"
    assert labelled.truth.tolist() == [0, 0, 1]


def test_a_missing_febrl_file_is_none(tmp_path):
    assert febrl(1, tmp_path) is None


def test_a_csv_is_read_by_its_columns_names(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(
        "id,who,surname,mails,birth_date,shoe_size\n01,x,Li,a@b.cn; c@d.cn,1990-02-03,44\n02,x,,,,\n03,,Wu,,,\n"
    )
    labelled = read_set(path, "who", "id")
    assert labelled.records.to_pylist()[0] == {
        "record_key": "mine:01",
        "source": "mine",
        "surname": "Li",
        "mails": ["a@b.cn", "c@d.cn"],
        "birth_date": date(1990, 2, 3),
    }
    assert labelled.records["mails"].to_pylist()[1] == []
    assert labelled.truth.tolist() == [0, 0, 1]
    with pytest.raises(ValueError, match="no column whom"):
        read_set(path, "whom")


def test_the_hard_set_is_the_same_for_the_same_seed():
    one, two, other = hard_set(2000, 5), hard_set(2000, 5), hard_set(2000, 6)
    assert one.records.equals(two.records)
    assert not one.records.equals(other.records)
    assert one.records.num_rows == len(one.truth) == 2000


def test_the_hard_set_has_households_that_share_and_people_seen_up_to_five_times():
    labelled = hard_set(20_000)
    frame = labelled.records.to_pandas().assign(person=labelled.truth, household=labelled.household)
    assert frame["record_key"].is_unique
    assert frame.groupby("person").size().max() == 5
    frame["phone"] = frame["phones"].str[0]
    sharing = frame.dropna(subset="phone").groupby(["household", "phone"])["person"].nunique()
    assert (sharing > 1).sum() > 50
    assert 0.1 < frame["birth_date"].isna().mean() < 0.4
    born = frame.dropna(subset="birth_date").groupby("person")["birth_date"].nunique()
    assert np.mean(born > 1) > 0.01  # and some dates are wrong
