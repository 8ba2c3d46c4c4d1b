from __future__ import annotations

import pytest

from analysis.batches import batches
from analysis.errors import MethodError
from analysis.evaluation import logits
from analysis.mask import HeadMask
from analysis.profiling import profile
from analysis.text import Calibration
from analysis.trial import trial

SENTENCE = "the film was not very good ."


def test_a_trial_gives_the_probabilities_of_each_mask(subject, text):
    full = HeadMask.full(subject.anatomy)
    off = full.switched([(0, 1), (2, 3)], on=False)
    means = profile(subject, text.split("calibration")).means
    tried = {"full": (full, "zero"), "A": (off, "zero"), "B": (off, "mean")}
    found = trial(subject, SENTENCE, tried, means)
    (batch,) = batches(subject, Calibration((SENTENCE,), (0,)))
    for name, (mask, ablation) in tried.items():
        wanted = logits(subject, batch, mask, ablation=ablation, means=means)[0].softmax(-1)
        assert found[name] == pytest.approx(wanted.tolist(), abs=1e-5)
        assert sum(found[name]) == pytest.approx(1)
    assert found["A"] != found["full"] != found["B"] != found["A"]


def test_markup_emoji_and_endless_texts_are_tried_like_any_other(distilbert):
    full = HeadMask.full(distilbert.anatomy)
    for text in ("<script>alert(1)</script>", "שלום 🙂", "good " * 20_000):
        (chances,) = trial(distilbert, text, {"full": (full, "zero")}).values()
        assert sum(chances) == pytest.approx(1)


def test_a_mean_needs_means(distilbert):
    off = HeadMask.off(distilbert.anatomy, [(0, 0)])
    with pytest.raises(MethodError):
        trial(distilbert, SENTENCE, {"A": (off, "mean")})
