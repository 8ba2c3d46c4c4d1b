"""Agreement is Spearman's correlation; consensus is what every mask says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from tiny import sentences

from analysis.agreement import consensus, correlation, opposed, samples, stability
from analysis.errors import DataError, MethodError
from analysis.mask import HeadMask
from analysis.scores import Ranking, rank
from analysis.text import Calibration

METHODS = ("magnitude", "entropy-low", "entropy-high", "taylor", "random")


@pytest.fixture(scope="module")
def rankings(distilbert):
    split = Calibration(*sentences(20))
    return [rank(distilbert, split, method) for method in METHODS]


def test_correlation_is_spearmans(rankings):
    found = correlation(rankings)
    assert list(found.columns) == list(found.index) == list(METHODS)
    for one in rankings:
        for other in rankings:
            wanted = spearmanr(one.values["score"], other.values["score"]).statistic
            assert found.loc[one.method, other.method] == pytest.approx(wanted)
    assert found.loc["entropy-low", "entropy-high"] == pytest.approx(-1)


def test_an_order_and_its_reverse_are_found(rankings):
    assert opposed(correlation(rankings)) == ["entropy-low", "entropy-high"]
    assert opposed(correlation(rankings[:2])) == []


def test_a_ranking_without_order_agrees_with_nothing(rankings):
    flat = Ranking("flat", rankings[0].values.assign(score=1.0))
    assert np.isnan(correlation([rankings[0], flat]).loc["flat", "magnitude"])


def test_consensus_is_what_every_mask_keeps_or_drops(distilbert, rankings):
    found = consensus(rankings, distilbert.anatomy, 8)
    masks = [set(each.mask(distilbert.anatomy, 8).on_heads) for each in rankings]
    assert set(found.kept) == set.intersection(*masks)
    every = set(HeadMask.full(distilbert.anatomy).on_heads)
    assert set(found.dropped) == every - set.union(*masks)


def test_samples_share_no_sentence_and_leave_none_out():
    texts = tuple(f"sentence {number}" for number in range(103))
    parts = samples(Calibration(texts, (0,) * 103), 5)
    assert sorted(text for part in parts for text in part.texts) == sorted(texts)
    assert {len(part) for part in parts} == {20, 21}


def test_stability_is_one_for_what_does_not_look_at_sentences(distilbert):
    split = Calibration(*sentences(60))
    assert stability(distilbert, split, "magnitude", count=3).to_numpy() == pytest.approx(1)
    found = stability(distilbert, split, "entropy-low", count=3)
    apart = found.to_numpy()[np.triu_indices(3, 1)]
    assert 0.5 < apart.mean() <= 1


def test_too_little_is_refused_with_what_is_needed(distilbert, rankings):
    with pytest.raises(DataError, match=r"5 samples of 20 texts need 100 .* which has 40"):
        stability(distilbert, Calibration(*sentences(40)), "taylor")
    with pytest.raises(MethodError, match="two rankings or more"):
        correlation(rankings[:1])
    short = Ranking("short", pd.DataFrame({"layer": [0], "head": [0], "score": [1.0]}))
    with pytest.raises(MethodError, match="different heads"):
        correlation([rankings[0], short])
