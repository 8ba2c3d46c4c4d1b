from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, bootstrap, norm
from statsmodels.stats.proportion import proportion_confint

from analysis.intervals import paired_change, wilson

counts = st.integers(1, 3000).flatmap(
    lambda n: st.tuples(st.integers(0, n), st.integers(0, n), st.just(n)).filter(
        lambda found: found[0] + found[1] <= n
    )
)


@pytest.mark.parametrize(("correct", "n"), [(0, 5), (5, 5), (1, 2), (763, 872), (1, 1), (0, 1)])
def test_wilson_is_statsmodels(correct, n):
    found = wilson(correct, n)
    low, high = proportion_confint(correct, n, alpha=0.05, method="wilson")
    assert (found.low, found.high) == pytest.approx((low, high))


@pytest.mark.parametrize(("correct", "n"), [(763, 872), (3, 7), (1700, 2000)])
def test_wilson_is_wilson_s_formula(correct, n):
    z, p = norm.ppf(0.975), correct / n
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    found = wilson(correct, n)
    assert (found.low, found.high) == pytest.approx((centre - half, centre + half))


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_stays_between_0_and_1(found):
    correct, n = found
    interval = wilson(correct, n)
    assert 0 <= interval.low <= correct / n + 1e-12
    assert correct / n - 1e-12 <= interval.high <= 1


@pytest.mark.parametrize(("fixed", "broken", "n"), [(20, 55, 872), (9, 4, 300), (120, 130, 2000)])
def test_the_change_is_scipy_s_paired_bootstrap_or_a_little_wider(fixed, broken, n):
    """Drawing three counts at once is drawing n sentences; both know the interval to their noise."""
    difference = np.repeat([1.0, -1.0, 0.0], [fixed, broken, n - fixed - broken])
    drawn = bootstrap(
        (difference,), np.mean, n_resamples=4000, method="percentile", rng=1, batch=200
    ).confidence_interval
    found = paired_change(fixed, broken, n)
    error = 100 * difference.std() / np.sqrt(n)
    assert found.points == pytest.approx(100 * difference.mean())
    assert -0.15 * error <= 100 * drawn.low - found.low <= 0.6 * error
    assert -0.15 * error <= found.high - 100 * drawn.high <= 0.6 * error


@settings(deadline=None, max_examples=60)
@given(counts)
def test_the_change_lies_in_its_interval(found):
    fixed, broken, n = found
    change = paired_change(fixed, broken, n)
    assert change.points == pytest.approx(100 * (fixed - broken) / n)
    assert -100 <= change.low <= change.points <= change.high <= 100


@settings(deadline=None, max_examples=60)
@given(counts)
def test_no_interval_is_a_point(found):
    """However few sentences flipped, and be they all of one kind, something remains unknown."""
    fixed, broken, n = found
    change = paired_change(fixed, broken, n)
    assert change.high > change.low


@settings(deadline=None, max_examples=30)
@given(counts)
def test_fixed_and_broken_are_mirror_images(found):
    fixed, broken, n = found
    one, other = paired_change(fixed, broken, n), paired_change(broken, fixed, n)
    error = 100 * np.sqrt((fixed + broken) / n / n)
    step = 100 / n  # resampled changes are whole steps, and a percentile may fall on either of two
    assert one.points == -other.points
    assert one.low == pytest.approx(-other.high, abs=0.2 * error + step + 1e-9)


def test_the_same_counts_give_the_same_interval():
    assert paired_change(12, 30, 900) == paired_change(12, 30, 900)


def test_no_flips_leave_the_exact_limit_open():
    """A change that 1,000 sentences miss with a chance of 2.5 % in either direction: 3.7 in 1,000, not 3."""
    limit = 100 * (1 - 0.025 ** (1 / 1000))
    assert paired_change(0, 0, 1000).high == pytest.approx(limit)
    assert paired_change(0, 0, 1000).low == pytest.approx(-limit)
    assert paired_change(0, 0, 1).high == pytest.approx(97.5)


@pytest.mark.parametrize("n", [301, 368, 600, 872, 2097])
@pytest.mark.parametrize("loss", [0.5, 1.0])
def test_a_loss_as_large_as_the_margin_seldom_looks_smaller(n, loss):
    """Where answers only break, the lower end lies above the true loss in one of forty samples at most."""
    claimed = [
        paired_change(0, broken, n).low > -loss for broken in range(round(n * loss / 100) + 1)
    ]
    chances = binom.pmf(np.arange(len(claimed)), n, loss / 100)
    assert chances[claimed].sum() <= 0.025


@pytest.mark.parametrize(("fixed", "broken"), [(0.002, 0.012), (0.02, 0.03), (0.0, 0.01)])
def test_the_interval_holds_the_true_change_in_95_of_100_samples(fixed, broken):
    drawn = np.random.default_rng(0).multinomial(872, [fixed, broken, 1 - fixed - broken], 2000)
    kinds, times = np.unique(drawn[:, :2], axis=0, return_counts=True)
    ends = [paired_change(int(up), int(down), 872) for up, down in kinds]
    true = 100 * (fixed - broken)
    held = np.array([each.low <= true <= each.high for each in ends])
    assert times[held].sum() / 2000 > 0.94


def test_a_surer_interval_is_wider():
    usual, surer = paired_change(20, 30, 872), paired_change(20, 30, 872, 0.99)
    assert surer.low < usual.low
    assert surer.high > usual.high


def test_one_flip_excludes_no_more_than_none():
    """Seeing one sentence break cannot make it certain that none could have been fixed."""
    none, one = paired_change(0, 0, 1000), paired_change(0, 1, 1000)
    assert one.low <= none.low
    assert one.high >= 0
