"""A sweep's file takes nobody else's place, and a part never that of more."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.errors import PlaceError
from analysis.sweep_file import SweepFile


def table(rows, split="selection"):
    columns = {"method": "random", "fraction": 0.5, "mask": "abc", "split": split}
    return pd.DataFrame([columns | {"seed": seed} for seed in range(rows)])


@pytest.fixture(params=["curve.csv", "curve.parquet"])
def place(request, tmp_path):
    return tmp_path / request.param


def test_a_part_replaces_less_and_never_more(place):
    SweepFile(place, "selection").write(table(3), whole=False)
    for rows, whole, kept in ((2, False, 3), (4, False, 4), (1, True, 1)):
        SweepFile(place, "selection").write(table(rows), whole=whole)
        read = pd.read_csv if place.suffix == ".csv" else pd.read_parquet
        assert len(read(place)) == kept


def test_a_table_of_another_split_is_left_alone(place):
    SweepFile(place, "selection").write(table(3), whole=True)
    with pytest.raises(
        PlaceError, match="measured on the selection split; write the test split to"
    ):
        SweepFile(place, "test")


@pytest.mark.parametrize("content", [b"", b"text,label\ngood,1\n", b"\xff\xfe\x00", b"PAR1"])
def test_a_file_that_is_no_sweeps_table_is_left_alone(place, content):
    place.write_bytes(content)
    with pytest.raises(PlaceError, match="is there already and is no table of a sweep"):
        SweepFile(place, "selection")
    assert place.read_bytes() == content


def test_an_unknown_ending_is_refused(tmp_path):
    with pytest.raises(PlaceError, match=r"ending in \.csv or \.parquet"):
        SweepFile(tmp_path / "curve.txt", "selection")
