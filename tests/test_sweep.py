from __future__ import annotations

import pytest

from analysis.batches import batches
from analysis.errors import DataError, MethodError, ProtocolError
from analysis.evaluation import evaluate
from analysis.mask import HeadMask
from analysis.profiling import profile
from analysis.scores import rank
from analysis.sweep import COLUMNS, sweep, sweeping

METHODS = ("entropy-low", "magnitude", "random")


@pytest.fixture(scope="module")
def table(distilbert, text):
    return sweep(distilbert, text, METHODS, fractions=(0, 0.25, 0.5, 1), seeds=(0, 1, 2))


def test_there_is_a_row_for_each_method_fraction_and_seed(table):
    assert list(table.columns) == COLUMNS
    rows = set(zip(table["method"], table["fraction"], table["seed"], strict=True))
    assert rows == {
        (method, fraction, seed)
        for method in METHODS
        for fraction in (0, 0.25, 0.5, 1)
        for seed in ((0, 1, 2) if method == "random" else (0,))
    }
    assert len(table) == len(rows) == 20


def test_every_row_is_the_evaluation_of_its_mask(distilbert, text, table):
    ready = batches(distilbert, text.split("selection"))
    for row in table.to_dict("records"):
        mask = HeadMask.decode(distilbert.anatomy, row["mask"])
        ranking = rank(distilbert, text, row["method"], seed=row["seed"])
        assert mask == ranking.mask(distilbert.anatomy, 12 - round(12 * row["fraction"]))
        found = evaluate(distilbert, ready, mask)
        assert (row["heads_on"], row["heads_total"]) == (mask.heads_on, 12)
        assert (row["n"], row["split"], row["ablation"]) == (40, "selection", "zero")
        assert (row["accuracy"], row["low"], row["high"]) == (
            found.accuracy,
            found.low,
            found.high,
        )
        assert row["loss"] == pytest.approx(found.loss)
        if not mask.is_full:
            change = found.change
            assert (row["change"], row["change_low"], row["change_high"]) == (
                change.points,
                change.low,
                change.high,
            )


def test_removing_nothing_changes_nothing(table):
    nothing = table[table["fraction"] == 0]
    assert nothing["accuracy"].nunique() == 1
    assert not nothing[["change", "change_low", "change_high"]].any(axis=None)


def test_removing_everything_is_the_same_for_every_method(table):
    everything = table[table["fraction"] == 1]
    assert (everything["heads_on"] == 0).all()
    assert everything["accuracy"].nunique() == 1


def test_the_table_grows_by_a_row_a_step(distilbert, text):
    steps = list(sweeping(distilbert, text, ("magnitude",), fractions=(0.25, 0.5)))
    assert [len(step.result) for step in steps] == [0, 1, 2]
    assert [(step.done, step.total) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    assert all(list(step.result.columns) == COLUMNS for step in steps)


def test_mean_ablation_uses_the_calibration_split_s_means(distilbert, text):
    found = sweep(distilbert, text, ("magnitude",), fractions=(0.5,), ablation="mean")
    means = profile(distilbert, text.split("calibration")).means
    mask = HeadMask.decode(distilbert.anatomy, found["mask"][0])
    ready = batches(distilbert, text.split("selection"))
    expected = evaluate(distilbert, ready, mask, ablation="mean", means=means)
    assert found["loss"][0] == pytest.approx(expected.loss)
    assert found["ablation"][0] == "mean"


def test_a_limit_judges_on_the_same_sentences_for_all(distilbert, text):
    found = sweep(distilbert, text, METHODS, fractions=(0.5,), split="test", limit=10)
    assert (found["n"] == 10).all()
    assert (found["split"] == "test").all()


def test_judging_on_the_sentences_that_scored_is_refused(distilbert, text):
    with pytest.raises(ProtocolError, match="sweep over selection or test"):
        sweep(distilbert, text, METHODS, split="calibration")


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan"), 50])
def test_a_fraction_is_a_share(distilbert, text, fraction):
    with pytest.raises(MethodError, match="is not between 0 and 1"):
        sweep(distilbert, text, METHODS, fractions=(0.5, fraction))


def test_an_unknown_method_split_ablation_or_limit_is_refused(distilbert, text):
    with pytest.raises(MethodError, match="did you mean 'magnitude'"):
        sweep(distilbert, text, ("magnitud",))
    with pytest.raises(DataError, match="unknown split 'validation'"):
        sweep(distilbert, text, METHODS, split="validation")
    with pytest.raises(MethodError, match="unknown ablation 'median'"):
        sweep(distilbert, text, METHODS, ablation="median")
    with pytest.raises(DataError, match="the limit must be 1 or more"):
        sweep(distilbert, text, METHODS, limit=0)
