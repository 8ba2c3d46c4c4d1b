"""A sweep's rows are plain evaluations; it streams, resumes and leaks nothing."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import killed_sweep
import numpy as np
import pandas as pd
import pytest

from analysis import sweep_work
from analysis.batches import batches
from analysis.errors import DataError, MethodError, PlaceError, ProtocolError
from analysis.evaluation import evaluate
from analysis.headroom import headroom
from analysis.intervals import wilson
from analysis.journal import Journal, Notes, journal_of, save_table
from analysis.mask import HeadMask
from analysis.models import load_model
from analysis.profiling import profile
from analysis.repair import repair
from analysis.scores import rank
from analysis.significance import mcnemar
from analysis.standings import CHOSEN_HERE, standings
from analysis.sweep import COLUMNS, Sweep, sweep, sweeping
from analysis.sweep_table import fitted, pack, pareto, random_band, unpack
from analysis.text import Calibration, LabelledText
from analysis.tuning import tune
from tests.families.tiny import build

FAST = {"fractions": (0.25, 0.5), "seeds": (0, 1, 2), "precision": "float32"}


@pytest.fixture(scope="module")
def table(distilbert, text):
    return sweep(distilbert, text, ("magnitude", "taylor", "random"), **FAST)


def test_a_row_is_the_plain_evaluation_of_its_mask(distilbert, text, table):
    assert list(table.columns) == COLUMNS
    assert len(table) == 2 * (1 + 1 + 3)
    ready = batches(distilbert, text.split("selection"))
    for row in table.itertuples():
        ranking = rank(distilbert, text, row.method, seed=row.seed)
        mask = ranking.mask(distilbert.anatomy, 12 - round(row.fraction * 12))
        assert mask.encode() == row.mask
        found = evaluate(distilbert, ready, mask)
        assert (row.n, row.heads_on, row.heads_total) == (40, mask.heads_on, 12)
        assert (row.accuracy, row.low, row.high) == (found.accuracy, found.low, found.high)
        assert row.loss == pytest.approx(found.loss, abs=1e-4)
        assert (row.change, row.change_low) == (found.change.points, found.change.low)
        assert (row.fixed, row.broken) == (len(found.flips.fixed), len(found.flips.broken))
        before, after = found.baseline.predictions, found.predictions
        same = (before.answers == after.answers).double().mean()
        assert row.agreement == pytest.approx(float(same))


def test_loss_agreement_and_divergence_have_intervals_over_sentences(distilbert, text, table):
    ready = batches(distilbert, text.split("selection"))
    for row in table.itertuples():
        found = evaluate(distilbert, ready, HeadMask.decode(distilbert.anatomy, row.mask))
        mine, full = found.predictions, found.baseline.predictions
        p, q = (each.logits.double().softmax(-1) for each in (full, mine))
        moved = (p * (p / q).log()).sum(-1)
        for values, *ends in (
            (mine.losses.double(), row.loss_low, row.loss_high),
            (moved, row.divergence_low, row.divergence_high),
        ):
            spread = 1.96 * float(values.std() / len(values) ** 0.5)
            wanted = (max(float(values.mean()) - spread, 0), float(values.mean()) + spread)
            assert ends == pytest.approx(wanted, rel=1e-3, abs=1e-5)
        same = wilson(int((mine.answers == full.answers).sum()), row.n)
        assert (row.agreement_low, row.agreement_high) == (same.low, same.high)


def test_costs_are_those_of_the_model_without_the_heads(table):
    assert (table["flops_ratio"] < 1).all()
    assert table["latency_ratio"].isna().all()
    assert table.groupby("fraction")["flops_ratio"].mean().is_monotonic_decreasing


def test_percentiles_and_tests_are_counted_within_a_fraction(table):
    for _, group in table.groupby("fraction"):
        drawn = group[group["method"] == "random"]["accuracy"].to_numpy()
        for row in group.itertuples():
            below = (drawn < row.accuracy).mean() + (drawn == row.accuracy).mean() / 2
            assert row.percentile == pytest.approx(100 * below)
            assert row.p_full == pytest.approx(mcnemar(row.fixed, row.broken))
        methods = group[group["method"] != "random"]
        assert (methods["p_full_holm"] >= methods["p_full"]).all()
        assert methods["p_random"].between(0, 1).all()
        assert group[group["method"] == "random"]["p_random"].isna().all()


def test_the_median_random_mask_is_what_p_random_compares_with(distilbert, text, table):
    group = table[table["fraction"] == 0.5]
    drawn = group[group["method"] == "random"].sort_values(["accuracy", "seed"])
    ready = batches(distilbert, text.split("selection"))
    right = {
        code: evaluate(
            distilbert, ready, HeadMask.decode(distilbert.anatomy, code)
        ).predictions.correct
        for code in group["mask"]
    }
    median = right[drawn.iloc[1]["mask"]]
    for row in group[group["method"] != "random"].itertuples():
        mine = right[row.mask]
        assert row.p_random == pytest.approx(
            mcnemar(int((mine & ~median).sum()), int((~mine & median).sum()))
        )


def test_repair_and_mean_ablation_are_measured_on_the_repaired_model(distilbert, text):
    kinds = ("none", "mean", "least-squares")
    table = sweep(distilbert, text, ("magnitude",), repairs=kinds, **FAST | {"fractions": (0.5,)})
    ready = batches(distilbert, text.split("selection"))
    for row in table.itertuples():
        mask = HeadMask.decode(distilbert.anatomy, row.mask)
        mended = repair(distilbert, mask, text.split("calibration"), row.repair).subject
        assert row.loss == pytest.approx(evaluate(mended, ready).loss, abs=1e-3), row.repair
    means = profile(distilbert, text.split("calibration")).means
    found = evaluate(distilbert, ready, mask, ablation="mean", means=means)
    masked = sweep(
        distilbert, text, ("magnitude",), ablations=("mean",), **FAST | {"fractions": (0.5,)}
    )
    assert masked.loc[0, "loss"] == pytest.approx(found.loss, abs=1e-4)
    assert masked.loc[0, "ablation"] == "mean"


def test_one_sweep_measures_every_ablation_and_every_repair(distilbert, text):
    methods, few = ("magnitude", "random"), FAST | {"seeds": (0, 1)}
    both = sweep(
        distilbert, text, methods, ablations=("zero", "mean"), repairs=("mean", "none"), **few
    )
    apart = [
        sweep(distilbert, text, methods, ablations=("zero",), **few),
        sweep(distilbert, text, methods, ablations=("mean",), **few),
        sweep(distilbert, text, methods, ablations=("mean",), repairs=("mean",), **few),
    ]
    pd.testing.assert_frame_equal(both, pd.concat(apart, ignore_index=True))
    kinds = both.groupby(["ablation", "repair"]).size().to_dict()
    assert kinds == {("zero", "none"): 6, ("mean", "none"): 6, ("zero", "mean"): 6}


def test_a_timed_sweep_says_how_many_times_faster(distilbert, text):
    table = sweep(distilbert, text, ("magnitude",), timed=True, **FAST | {"fractions": (0, 0.9)})
    assert (table["latency_low"] <= table["latency_ratio"]).all()
    assert set(pareto(table)["fraction"]) <= {0, 0.9}


def test_random_is_a_distribution_of_twenty_masks_by_default(distilbert, text):
    table = sweep(distilbert, text, ("random",), fractions=(0.5,))
    assert table["mask"].nunique() == 20
    band = random_band(table)
    assert band.loc[0, "masks"] == 20
    assert band.loc[0, "low"] <= band.loc[0, "median"] <= band.loc[0, "high"]


def test_a_stopped_sweep_goes_on_where_it_was(distilbert, text, tmp_path, monkeypatch):
    save = tmp_path / "curve.csv"
    methods, few = ("taylor", "random"), FAST | {"fractions": (0.5,), "seeds": (0, 1)}
    whole = sweep(distilbert, text, methods, **few)
    steps = sweeping(distilbert, text, methods, save=save, **few)
    while next(steps).done < 2:
        pass
    steps.close()
    part = pd.read_csv(save)
    assert len(part) == 2
    assert part[["percentile", "p_full", "p_random_holm"]].isna().all(axis=None)  # not of a part
    with journal_of(save).open("a") as file:
        file.write('{"key": "cut sho')  # what a crash leaves
    measured = []
    plain = sweep_work.Work._evaluated
    monkeypatch.setattr(
        sweep_work.Work,
        "_evaluated",
        lambda work, *given: measured.append(given) or plain(work, *given),
    )
    monkeypatch.setattr(sweep_work, "ranking", lambda *_, **__: pytest.fail("scored again"))
    resumed = sweep(distilbert, text, methods, save=save, **few)
    assert len(measured) == len(whole) - 2 == 1
    pd.testing.assert_frame_equal(resumed, whole)
    pd.testing.assert_frame_equal(pd.read_csv(save), whole, check_dtype=False)


def test_a_killed_sweep_goes_on_where_it_was(tmp_path, monkeypatch):
    """Killed by the system in the middle of a row, as by a full memory: nothing is left to tidy up."""
    save, done = tmp_path / "curve.parquet", 5
    root = Path(__file__).parents[1]
    killed = subprocess.run(
        [sys.executable, root / "tests" / "killed_sweep.py", save, str(done)],
        env=os.environ | {"PYTHONPATH": str(root)},
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL
    assert not save.exists()
    kept = Journal(journal_of(save)).values
    assert sum("accuracy" in value for value in kept) == done
    measured = []
    plain = sweep_work.Work._evaluated
    monkeypatch.setattr(
        sweep_work.Work, "_evaluated", lambda *given: measured.append(given) or plain(*given)
    )
    resumed = sweep(*killed_sweep.given(), killed_sweep.METHODS, save=save, **killed_sweep.OPTIONS)
    assert len(measured) == len(resumed) - done
    whole = sweep(*killed_sweep.given(), killed_sweep.METHODS, **killed_sweep.OPTIONS)
    pd.testing.assert_frame_equal(resumed, whole)
    pd.testing.assert_frame_equal(pd.read_parquet(save), whole, check_dtype=False)


@pytest.mark.parametrize("method", ["greedy", "shapley", "taylor-iterated"])
def test_a_long_score_that_was_stopped_goes_on_where_it_was(
    distilbert, text, tmp_path, monkeypatch, method
):
    save, few = tmp_path / "curve.csv", FAST | {"fractions": (0.5,)}
    whole = sweep(distilbert, text, (method,), **few)
    looked, plain = [], Notes.once

    def once(notes, name, find):
        return plain(notes, name, lambda: looked.append(name) or find())

    monkeypatch.setattr(Notes, "once", once)
    steps = sweeping(distilbert, text, (method,), save=save, **few)
    while next(steps).done < 7:
        pass
    steps.close()
    assert not save.exists()
    before, spent = (
        list(looked),
        [v["spent"] for v in Journal(journal_of(save)).values if "spent" in v],
    )
    resumed = sweep(distilbert, text, (method,), save=save, **few)
    assert len(looked) == len(set(looked)) > len(before) > 0
    pd.testing.assert_frame_equal(resumed, whole)
    (seconds,) = (v["seconds"] for v in Journal(journal_of(save)).values if "ranking" in v)
    assert seconds > spent[-1] > 0


def test_a_table_comes_back_from_parquet_as_it_was(table, tmp_path):
    save_table(table, tmp_path / "curve.parquet")
    found = pd.read_parquet(tmp_path / "curve.parquet")
    pd.testing.assert_frame_equal(found, table, check_dtype=False)


def test_a_journal_of_another_split_is_not_mistaken_for_this_one(distilbert, text, tmp_path):
    shared, few = tmp_path / "rows.journal", FAST | {"fractions": (0.5,)}
    sweep(distilbert, text, ("magnitude",), journal=shared, **few)
    judged = sweep(distilbert, text, ("magnitude",), journal=shared, split="test", **few)
    assert set(judged["split"]) == {"test"}
    fewer = sweep(distilbert, text, ("magnitude",), journal=shared, limit=7, **few)
    assert set(fewer["n"]) == {7}


def test_long_scoring_tells_how_far_it_is(distilbert, text):
    options = FAST | {"fractions": (0.5,)}
    steps = list(sweeping(distilbert, text, ("greedy",), **options))
    told = [(step.done, step.total) for step in steps if "to score by Greedy" in step.unit]
    assert told == [(done, 12) for done in range(1, 12)]
    assert [step.done for step in steps if step.unit == "masks"] == [0, 0, 1]


def test_the_remaining_time_is_known_once_each_kind_of_row_was_timed(distilbert, text):
    options = FAST | {"fractions": (0.25, 0.5), "repairs": ("none", "mean")}
    steps = list(sweeping(distilbert, text, ("magnitude",), **options))
    known = {step.done: step.remaining for step in steps}
    assert math.isnan(known[0])
    assert math.isnan(known[1])
    assert math.isnan(known[2])  # no repaired row has been timed yet
    assert known[3] > 0
    assert known[4] == 0


def test_while_heads_are_scored_nobody_foresees_the_rest(distilbert, text):
    steps = sweeping(distilbert, text, ("greedy",), **FAST | {"fractions": (0.5,)})
    assert all(math.isnan(step.remaining) for step in steps if step.unit != "masks")


def test_a_method_that_cannot_run_is_refused_before_any_has(distilbert, text):
    alike = Calibration(text.split("calibration").texts, (1,) * len(text.split("calibration")))
    data = replace(text, splits={**text.splits, "calibration": alike})
    steps = sweeping(distilbert, data, ("greedy", "taylor"), **FAST)
    assert next(steps).done == 0
    with pytest.raises(MethodError, match="'taylor' needs labels"):
        next(steps)


def test_what_was_searched_on_these_sentences_is_not_held_against_chance(distilbert, text):
    options = FAST | {"fractions": (0.5,), "seeds": (0, 1, 2)}
    methods = ("greedy", "magnitude", "random")
    said = ["percentile", "p_full", "p_random", "p_full_holm", "p_random_holm"]
    for split, silent in (("selection", True), ("test", False)):
        table = sweep(distilbert, text, methods, split=split, **options)
        assert table.set_index("method").loc["greedy", said].isna().all() == silent
        assert not table.set_index("method").loc["magnitude", said].isna().any()
        assert fitted(table).tolist() == [silent, False, False, False, False]
        verdicts = standings(table, 0.5).set_index("method")["negligible"]
        assert (verdicts["greedy"] == CHOSEN_HERE) == silent
        assert verdicts["magnitude"] != CHOSEN_HERE
    greedy = sweep(distilbert, text, ("greedy",), **options)
    assert headroom([greedy]) is None


def test_settings_are_tuned_on_selection_when_asked_for(distilbert, text):
    options = FAST | {"fractions": (0.5,), "split": "test"}
    found = sweep(distilbert, text, ("hies",), tuned=True, **options)
    setting = tune(distilbert, text.split("calibration"), text.split("selection"), "hies").setting
    best = rank(distilbert, text, "hies", setting=setting)
    assert found.loc[0, "mask"] == best.mask(distilbert.anatomy, 6).encode()
    assert found.loc[0, "setting"] == f"{setting[0]:.3g}"


def test_what_was_tuned_on_these_sentences_is_not_held_against_chance(distilbert, text):
    options = FAST | {"fractions": (0.5,)}
    for tuned in (True, False):
        table = sweep(distilbert, text, ("hies", "random"), tuned=tuned, **options)
        assert fitted(table).tolist() == [tuned, False, False, False]
        assert table.loc[[0], ["percentile", "p_full", "p_random"]].isna().all(axis=None) == tuned
        assert (table.loc[0, "setting"] == "usual") != tuned
        assert (standings(table, 0.5).loc[0, "negligible"] == CHOSEN_HERE) == tuned


def test_answers_pack_into_bits():
    right = np.random.default_rng(0).random(37) < 0.5
    import torch

    assert (unpack(pack(torch.tensor(right)), 37) == right).all()


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"methods": ("taylr",)}, MethodError, "did you mean 'taylor'"),
        ({"methods": ()}, MethodError, "a sweep needs methods"),
        ({"fractions": (1.5,)}, MethodError, "the fraction 1.5 is not between 0 and 1"),
        ({"fractions": (math.nan,)}, MethodError, "the fraction nan is not between"),
        ({"fractions": ()}, MethodError, "a sweep needs fractions"),
        ({"repairs": ("glue",)}, MethodError, "unknown repair 'glue'"),
        ({"ablations": ("zero", "men")}, MethodError, "unknown ablation 'men'"),
        ({"ablations": ()}, MethodError, "a sweep needs ablations"),
        ({"methods": ("random", "random")}, MethodError, "methods name 'random' twice"),
        ({"fractions": (0.5, 0.5)}, MethodError, "fractions name 0.5 twice"),
        ({"seeds": (0, 1, 0)}, MethodError, "seeds name 0 twice"),
        ({"split": "calibration"}, ProtocolError, "selection or the test split"),
        ({"seeds": (0, -1)}, MethodError, "a seed is 0 or more, not -1"),
        ({"precision": "flaot32"}, MethodError, "did you mean 'float32'"),
        ({"split": "train"}, ProtocolError, "selection or the test split"),
    ],
)
def test_what_cannot_be_compared_is_refused_at_once(distilbert, text, change, error, sentence):
    options = {"methods": ("random",), **FAST, **change}
    with pytest.raises(error, match=sentence):
        sweep(distilbert, text, options.pop("methods"), **options)


def test_a_table_is_csv_or_parquet(distilbert, text, tmp_path):
    with pytest.raises(PlaceError, match=r"ending in \.csv or \.parquet, not to curve\.xls"):
        sweep(distilbert, text, ("random",), save=tmp_path / "curve.xls")


def test_splits_that_share_sentences_are_refused(distilbert, text):
    test = text.split("test")
    leaked = type(text.split("selection"))(test.texts[:4], test.labels[:4])
    data = LabelledText(
        "leaky", text.label_names, {**text.splits, "selection": leaked}, text.provenance
    )
    with pytest.raises(ProtocolError, match=r"\d+ of 40 texts of the test split are also in"):
        sweep(distilbert, data, ("random",), split="test")


@pytest.mark.parametrize(
    ("missing", "options", "sentence"),
    [
        ("calibration", {"ablations": ("zero", "mean")}, "mean ablation needs a calibration split"),
        ("calibration", {"repairs": ("none", "mean")}, "the repair 'mean' needs a calibration"),
        ("selection", {"methods": ("hies",), "tuned": True}, "'hies' are tuned on a selection"),
    ],
)
def test_what_a_missing_split_would_stop_later_is_refused_at_once(
    distilbert, text, missing, options, sentence
):
    splits = {name: split for name, split in text.splits.items() if name != missing}
    data = replace(text, splits=splits)
    with pytest.raises(DataError, match=sentence):
        next(sweeping(distilbert, data, **{"methods": ("magnitude",), "split": "test"} | options))


def test_masks_that_cannot_be_removed_are_refused_before_any_row(tokenizer, text, monkeypatch):
    grouped = load_model(build("llama"), tokenizer=tokenizer)
    monkeypatch.setattr(sweep_work.Work, "row", lambda *_: pytest.fail("measured"))
    options = FAST | {"fractions": (0.25,), "repairs": ("none", "mean")}
    with pytest.raises(MethodError, match=r"the mask of random .* cannot be removed, so it cannot"):
        sweep(grouped, text, ("random",), **options)


def test_sweeps_that_share_a_journal_measure_nothing_twice(distilbert, text, tmp_path, monkeypatch):
    shared, few = tmp_path / "rows.journal", FAST | {"fractions": (0.5,)}
    first = sweep(distilbert, text, ("magnitude",), journal=shared, **few)
    measured, plain = [], sweep_work.Work._evaluated
    monkeypatch.setattr(
        sweep_work.Work, "_evaluated", lambda *given: measured.append(given) or plain(*given)
    )
    both = sweep(distilbert, text, ("magnitude", "taylor"), journal=shared, **few)
    assert len(measured) == 1
    assert both.loc[0, "accuracy"] == first.loc[0, "accuracy"]
    assert list(tmp_path.iterdir()) == [shared]


def test_a_split_that_is_missing_is_named(distilbert, text):
    data = LabelledText("half", text.label_names, {"test": text.split("test")}, text.provenance)
    with pytest.raises(DataError, match="unknown split 'selection'"):
        sweep(distilbert, data, ("random",))
    with pytest.raises(MethodError, match="needs labels; give data with a calibration split"):
        sweep(distilbert, data, ("taylor",), split="test")


def test_a_journal_that_cannot_be_read_is_named(tmp_path):
    place = tmp_path / "x.journal"
    place.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PlaceError, match=r"cannot read .*x\.journal"):
        Journal(place)


def test_the_test_split_is_measured_in_float32_unless_asked_otherwise():
    numbers = [Sweep(("random",), split=split).numbers for split in ("selection", "test")]
    assert numbers == ["auto", "float32"]
    assert Sweep(("random",), split="test", precision="bfloat16").numbers == "bfloat16"


@pytest.mark.parametrize(
    ("known", "damage"),
    [
        ("ranking", {"scores": None}),
        ("ranking", {"scores": [1.0]}),
        ("ranking", {"masks": 3}),
        ("accuracy", {"mask": None}),
        ("accuracy", {"accuracy": "high"}),
        ("accuracy", {"right": "no"}),
    ],
)
def test_what_is_damaged_in_a_journal_is_measured_anew(distilbert, text, tmp_path, known, damage):
    journal, few = tmp_path / "rows.journal", FAST | {"fractions": (0.5,)}
    whole = sweep(distilbert, text, ("taylor",), journal=journal, **few)
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    for line in lines:
        if known in line:
            line.update(damage)
            for name in [name for name, value in damage.items() if value is None]:
                del line[name]
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    pd.testing.assert_frame_equal(
        sweep(distilbert, text, ("taylor",), journal=journal, **few), whole
    )
