"""Tests and verdicts equal what their definitions give by counting."""

from __future__ import annotations

import math
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from analysis.errors import MethodError
from analysis.intervals import paired_change, wilson
from analysis.significance import (
    detectable,
    fewest,
    holm,
    mcnemar,
    needed,
    non_inferiority,
    percentile,
)


@pytest.mark.parametrize(("fixed", "broken"), [(0, 0), (0, 5), (0, 6), (3, 11), (40, 40)])
def test_mcnemar_is_the_two_sided_sign_test_on_what_changed(fixed, broken):
    changed, few = fixed + broken, min(fixed, broken)
    tail = sum(comb(changed, k) for k in range(few + 1)) / 2**changed
    assert mcnemar(fixed, broken) == pytest.approx(min(1.0, 2 * tail))


def test_holm_multiplies_the_smallest_most_and_never_turns_the_order():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    kept = holm([0.01, math.nan, 0.04])
    assert kept[0] == pytest.approx(0.02)
    assert math.isnan(kept[1])
    assert holm([]) == []


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 1) | st.just(math.nan), max_size=12))
def test_holm_is_what_a_library_of_statistics_says(pvalues):
    known = [p for p in pvalues if not math.isnan(p)]
    corrected = iter(multipletests(known, method="holm")[1].tolist())
    said = [math.nan if math.isnan(p) else next(corrected) for p in pvalues]
    assert holm(pvalues) == pytest.approx(said, rel=0, abs=0, nan_ok=True)


def test_wilson_is_its_formula():
    n, z, p = 200, 1.959964, 0.87
    middle, half = p + z**2 / 2 / n, z * math.sqrt(p * (1 - p) / n + z**2 / 4 / n**2)
    found = wilson(174, n)
    assert found.low == pytest.approx((middle - half) / (1 + z**2 / n), abs=1e-6)
    assert found.high == pytest.approx((middle + half) / (1 + z**2 / n), abs=1e-6)


def test_the_paired_interval_is_that_of_resampled_sentences():
    generator = np.random.default_rng(1)
    changes = np.array([1] * 12 + [-1] * 30 + [0] * 458)
    means = [100 * generator.choice(changes, 500).mean() for _ in range(4000)]
    low, high = np.percentile(means, [2.5, 97.5])
    found = paired_change(12, 30, 500)
    assert found.points == pytest.approx(-3.6)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.25)


def test_negligible_means_that_the_whole_interval_is_above_the_margin():
    assert non_inferiority(30, 30, 10_000).decided == "negligible"
    assert non_inferiority(0, 300, 10_000).decided == "not negligible"
    undecided = non_inferiority(20, 25, 1000)
    assert undecided.decided == "undecided"
    assert "sentences would be needed" in undecided.sentence
    hopeless = non_inferiority(10, 22, 1000)
    assert hopeless.needed is None
    assert "no number of sentences" in hopeless.sentence


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 5000), st.floats(0, 0.2), st.floats(0, 0.2), st.floats(0.1, 5))
def test_what_is_undecided_needs_more_sentences_than_it_had(n, fixed, broken, margin):
    found = non_inferiority(int(fixed * n), int(broken * n), n, margin)
    if found.decided == "undecided" and found.needed is not None:
        assert found.needed > n
    else:
        assert found.needed is None


@pytest.mark.parametrize("n", [20, 100, 262, 299, 300])
def test_so_many_sentences_without_a_change_decide(n):
    wanted = non_inferiority(0, 0, n).needed
    assert wanted is not None
    assert non_inferiority(0, 0, wanted).decided == "negligible"


def test_the_needed_number_decides_in_four_of_five_samples():
    wanted = needed(18, 20, 1000, margin=1.0)
    generator = np.random.default_rng(0)
    shares = [0.018, 0.020, 1 - 0.038]
    drawn = generator.multinomial(wanted, shares, size=300)
    decided = [non_inferiority(int(f), int(b), wanted).decided == "negligible" for f, b, _ in drawn]
    assert np.mean(decided) == pytest.approx(0.8, abs=0.07)


def test_percentile_counts_ties_half():
    assert percentile(0.5, [0.4, 0.5, 0.6, 0.7]) == 37.5
    assert math.isnan(percentile(0.5, []))


def test_what_makes_no_sense_is_refused():
    with pytest.raises(MethodError, match="margin must be above 0"):
        non_inferiority(1, 1, 10, margin=0)
    with pytest.raises(MethodError, match="do not fit 3 sentences"):
        non_inferiority(2, 2, 3)


def test_a_detectable_change_is_found_four_times_in_five():
    n, changed = 1000, 60
    share, drop = changed / n, detectable(changed, n) / 100
    counts = np.random.default_rng(0).multinomial(
        n, [(share - drop) / 2, (share + drop) / 2, 1 - share], size=600
    )
    found = np.mean([paired_change(int(f), int(b), n).high < 0 for f, b, _ in counts])
    assert 0.76 < found < 0.86
    assert detectable(changed, 4 * n) < detectable(4 * changed, 4 * n) < detectable(changed, n)


@pytest.mark.parametrize("margin", [0.3, 1.0, 2.5])
def test_fewer_sentences_show_no_loss_to_be_below_a_margin(margin):
    n = fewest(margin)
    assert non_inferiority(0, 0, n, margin).decided == "negligible"
    assert non_inferiority(0, 0, n - 1, margin).decided == "undecided"
