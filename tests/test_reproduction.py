"""The published record says one thing everywhere, and it can be made and checked on any model."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import check_reproduction as check
import pandas as pd
import pytest
import reproduction_report as report
import reproduction_runs as runs
import reproduction_tables as tables
import reproduction_verdicts as verdicts
from stored import store

from analysis.errors import PlaceError, ProtocolError
from analysis.intervals import paired_change, wilson
from analysis.journal import Journal
from analysis.progress import Step
from analysis.scores import METHODS
from analysis.sweep_table import COLUMNS

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "docs" / "reproduction"
README = (ROOT / "README.md").read_text()
CURVE = [
    *("method", "fraction", "seed", "ablation", "repair", "n", "accuracy", "low", "high"),
    *("change", "change_low", "change_high", "latency_ratio", "flops_ratio"),
]


@pytest.fixture(scope="module")
def test():
    return pd.read_csv(RECORD / "test.csv", dtype={"mask": str})


@pytest.fixture(scope="module")
def selection():
    return pd.read_csv(RECORD / "selection.csv", dtype={"mask": str})


def test_the_curve_has_its_columns_and_the_rows_of_the_whole_table(test):
    curve = pd.read_csv(RECORD / "curve.csv")
    assert list(curve.columns) == CURVE
    assert list(test.columns) == COLUMNS
    pd.testing.assert_frame_equal(curve, test[CURVE])
    assert not curve.isna().any().any()
    assert set(curve["method"]) <= set(METHODS)
    assert not curve.duplicated(["method", "fraction", "seed", "ablation", "repair"]).any()
    assert (curve[curve["method"] == "random"].groupby(["fraction", "repair"]).size() == 20).all()


def test_every_interval_follows_from_the_counts(test, selection):
    for row in pd.concat([test, selection]).itertuples():
        right = round(row.accuracy * row.n)
        interval, change = wilson(right, row.n), paired_change(row.fixed, row.broken, row.n)
        assert (row.low, row.high) == pytest.approx((interval.low, interval.high))
        assert row.change == pytest.approx(100 * (row.fixed - row.broken) / row.n)
        assert (row.change_low, row.change_high) == pytest.approx(
            (change.low, change.high), abs=0.06
        )
        off = sum(int(layer, 16).bit_count() for layer in row.mask.split("."))
        assert off == row.heads_total - row.heads_on == round(row.fraction * row.heads_total)


def test_the_document_has_the_tables_of_the_record(test, selection):
    text = (RECORD / "README.md").read_text()
    for table in (
        tables.grid(test),
        tables.listing(test),
        tables.listing(selection),
        tables.luck(test),
        tables.margins(test),
    ):
        assert table in text
    for fraction in tables.TESTED:
        assert verdicts.chosen(test, selection, fraction) in text
        assert verdicts.within(test, verdicts.OWN, fraction) in text
    for method, repair in ((verdicts.PAPER, "none"), (verdicts.OWN, verdicts.REPAIR)):
        assert verdicts.negligible(test, method, repair) in text


def test_a_claim_of_the_paper_holds_only_where_its_corrected_p_is_small(test):
    text = (RECORD / "README.md").read_text()
    claims = re.findall(
        r'"Better than (\w+) at moderate rates"\*\* ([a-z ]+) at (\d+)%: .* is ([+-][\d.]+) points .*'
        r"\(McNemar p = ([\d.e-]+), by Holm for 4 such claims\)",
        text,
    )
    assert len(claims) == 4
    for rival, said, percent, points, p in claims:
        fraction = int(percent) / 100
        mine = tables.one(test, verdicts.PAPER, fraction, "none")
        other = verdicts._rival(test, rival, fraction)
        assert float(points) == pytest.approx(
            100 * (mine["accuracy"] - other["accuracy"]), abs=0.01
        )
        assert said == verdicts.outcome(float(points), float(p))
        if rival == "random":  # of four claims none counts for more than four times its own p
            assert mine["p_random"] - 1e-9 <= float(p) <= 4 * mine["p_random"] + 1e-9


@pytest.mark.parametrize(
    ("difference", "p", "said"),
    [
        (1.5, 0.08, "is undecided"),
        (-1.5, 0.08, "is undecided"),
        (0.0, 1.0, "is undecided"),
        (1.8, 0.02, "holds"),
        (-1.8, 0.02, "does not hold"),
    ],
)
def test_what_chance_alone_could_do_is_undecided(difference, p, said):
    assert verdicts.outcome(difference, p) == said


def test_the_readme_has_the_numbers_of_the_record(test):
    (section,) = re.findall(r"## The paper, reproduced\n(.*?)\n## ", README, flags=re.DOTALL)
    rows = re.findall(r"^\| ([^|]+?) \| (.*?) \| (.*?) \|$", section, flags=re.MULTILINE)
    named = {METHODS[name].title.lower(): name for name in METHODS}
    assert len(rows) >= 6
    for title, *cells in rows:
        method = named[re.sub(r"( \(.*\)|, median.*)$", "", title).lower()]
        for repair, cell in zip(("none", "least-squares"), cells, strict=True):
            changes = tables.rows_of(test, method, 0.5, repair)
            numbers = (
                [changes["change"].quantile(share) for share in (0.5, 0.05, 0.95)]
                if len(changes) > 1
                else changes.iloc[0][["change", "change_low", "change_high"]].tolist()
            )
            middle, low, high = (f"{number:+.1f}" for number in numbers)
            assert cell == f"{middle} ({low} to {high})", (title, repair)


def test_a_check_draws_every_method_with_and_without_repair(test):
    kinds = test.groupby(["method", "repair"]).ngroups
    rows = check.drawn(test, kinds, seed=3)
    assert rows.groupby(["method", "repair"]).ngroups == len(rows) == kinds
    assert rows.equals(check.drawn(test, kinds, seed=3))
    assert not rows.equals(check.drawn(test, kinds, seed=4))
    assert len(check.drawn(test, len(test) + 1, seed=3)) == len(test)


def test_a_check_tells_other_heads_from_other_answers(distilbert, test):
    row = test.iloc[0].to_dict() | {"mask": "1.0.3", "fixed": 4, "broken": 7}
    same = check.compared(distilbert.anatomy, row, row)
    assert same["verdict"] == "the same"
    answers = check.compared(distilbert.anatomy, row, row | {"fixed": 5, "broken": 6})
    assert (answers["answers_differ"], answers["verdict"]) == (2, "other answers")
    heads = check.compared(distilbert.anatomy, row, row | {"mask": "1.0.5"})
    assert (heads["heads_differ"], heads["verdict"]) == (2, "other heads")
    assert "1 the same, 1 with the same heads and other answers, 1 with other heads" in (
        check.summary([same, answers, heads], 9)
    )


def test_the_runs_are_counted_before_they_start():
    planned = runs.planned(["taylor", "greedy", "random"], (0.1, 0.5), masks=20)
    assert [run.rows for run in planned] == [44, 44, *[1] * 8, 40]
    forecast = runs.Forecast(planned)
    assert str(forecast).startswith("136 rows left in all")
    assert "not timed yet" in str(forecast)


def test_the_savings_are_those_of_all_masks_of_a_size(test):
    said = verdicts.saved(test, 0.5)
    there = (test["fraction"] == 0.5) & (test["repair"] == "none")
    rows = test[there].drop_duplicates("mask")
    assert f"{rows['latency_ratio'].median():.2f} times faster in the middle of {len(rows)}" in said
    assert f"{rows['flops_ratio'].median():.1%} of the operations" in said


def test_the_figure_draws_every_method(test, tmp_path):
    report.draw(test, tmp_path / "curve.svg")
    drawn = (tmp_path / "curve.svg").read_text()
    assert drawn.startswith("<?xml")
    assert len(re.findall(r'id="line2d_\d+"', drawn)) > len(set(test["method"]))


def test_methods_that_can_be_told_from_chance_are_counted(test):
    rows = test[(test["fraction"] == 0.5) & (test["repair"] == "least-squares")]
    apart = rows[rows["p_random_holm"] < 0.05]
    said = verdicts.told_apart(test)
    assert f"{len(apart)} of 20 methods can be told" in said
    assert (
        f"{(apart['change'] > rows[rows['method'] == 'random']['change'].median()).sum()} of them better"
        in said
    )


def test_over_all_rows_the_rule_takes_the_best_of_selection(test, selection):
    half = selection[(selection["fraction"] == 0.5) & (selection["method"] != "random")]
    best = half.loc[half["accuracy"].idxmax()]
    assert METHODS[best["method"]].title in verdicts.of_all_rows(test, selection)


def test_the_method_is_not_chosen_on_the_test_split(test, selection):
    for swapped in ((selection, test), (test, test)):
        with pytest.raises(ProtocolError, match="chosen on the selection split"):
            verdicts.chosen(*swapped, 0.5)


def test_a_journal_holds_the_rows_of_one_source(distilbert, text, tmp_path):
    journal = Journal(tmp_path / "sweep.csv.journal")
    runs.claim(journal, distilbert, text, "float32")
    runs.claim(journal, distilbert, text, "float32")
    fewer = replace(text, splits={"test": text.split("test").limited(3)})
    for other in ((text, "bfloat16"), (fewer, "float32")):
        with pytest.raises(PlaceError, match="choose another --out"):
            runs.claim(Journal(journal.path), distilbert, *other)


def test_scoring_the_heads_counts_no_rows(capsys):
    (run,) = runs.planned(["taylor"], (0.1, 0.5), masks=20)[:1]
    forecast = runs.Forecast([run])
    watch = forecast.watching(run)
    watch(Step(40, 72, "heads to score by Taylor"))
    assert "2 rows left in all" in str(forecast)
    assert "without the scores" in str(forecast)
    watch(Step(0, 2, "masks"))
    watch(Step(1, 2, "masks"))
    assert "1 rows left in all" in str(forecast)
    assert "without the scores" not in str(forecast)
    assert "none test: 1 of 2 masks" in capsys.readouterr().err


@pytest.mark.slow
def test_the_reproduction_and_its_check_run_on_another_model(tmp_path, monkeypatch, capsys):
    stored, out = store(tmp_path / "source", rows=200), tmp_path / "out"
    common = ["--model", stored.model, "--data", stored.data]
    monkeypatch.setenv("HEADCOUNT_CACHE", str(tmp_path))

    def run(name, *options):
        return run_alone(name, *common, *options)

    def run_alone(name, *options):
        monkeypatch.setattr(sys, "argv", [name, *options])
        runpy.run_path(str(ROOT / "benchmarks" / name), run_name="__main__")
        return capsys.readouterr()

    methods = ("attention-guided", "repair-aware", "greedy", "magnitude", "random")
    options = ("--methods", *methods, "--fractions", "0.25", "0.5", "--random", "3")
    made = run("reproduce_paper.py", "--out", str(out), *options)
    assert "rows left in all" in made.err
    assert "better than random" in made.out.lower()
    again = run("reproduce_paper.py", "--out", str(out), *options, "--stages", "accuracy")
    assert "; 0 rows left in all" in again.err
    record = pd.read_csv(out / "curve.csv")
    assert list(record.columns) == CURVE
    assert len(record) == (4 + 3) * 2 * 2
    found = subprocess.run(  # in a process that knows nothing of what made the rows
        [
            *(sys.executable, ROOT / "benchmarks" / "check_reproduction.py", *common),
            *("--record", out / "test.csv", "--out", tmp_path / "check.csv", "--rows", "9"),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert found.returncode == 0, found.stderr
    assert "9 of 9 drawn rows recomputed: 9 the same" in found.stdout
    checked = pd.read_csv(tmp_path / "check.csv")
    assert list(checked.columns) == check.SHOWN
    once = pd.read_csv(out / "test.csv", dtype={"mask": str})
    there = (once["fraction"] == 0.5) & (once["repair"] == "least-squares")
    half = once[there].assign(fixed=once["fixed"] + 1)
    half.to_csv(tmp_path / "half.csv", index=False)
    records = ("--before", str(out / "test.csv"), "--after", str(tmp_path / "half.csv"))
    found = run_alone("compare_records.py", "--model", stored.model, *records)
    assert "7 of 28 rows of the record before recomputed: 0 the same, 7 with the same heads" in (
        found.out
    )
