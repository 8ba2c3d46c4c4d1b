"""Every method says what it needs, scores every head, and changes nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scoring import CALIBRATION, SELECTION, full, scores
from tiny import sentences, tiny_model

from analysis.batches import batches
from analysis.errors import MethodError, ProtocolError
from analysis.evaluation import logits
from analysis.models import load_model
from analysis.scores import METHODS, rank, ranking
from analysis.text import Calibration, Selection, Test


@pytest.mark.parametrize("method", METHODS)
def test_every_method_says_what_it_is_and_scores_every_head(distilbert, method):
    found = METHODS[method]
    assert all((found.title, found.meaning, found.source, found.cost))
    assert found.score.__doc__
    values = scores(distilbert, method)
    assert len(values) == 12
    assert np.isfinite(values).all()
    assert (values == scores(distilbert, method)).all()


def test_methods_with_a_backward_pass_run_in_every_family(subject):
    for method in ("taylor", "repair-aware", "attribution"):
        assert np.isfinite(scores(subject, method)).all()


@pytest.mark.parametrize("split", [Test(*sentences(5)), SELECTION])
@pytest.mark.parametrize("method", METHODS)
def test_no_method_scores_on_another_split(distilbert, method, split):
    with pytest.raises(ProtocolError, match="calibration split, not on"):
        rank(distilbert, split, method)


def test_no_search_looks_at_the_test_split(distilbert, text):
    with pytest.raises(ProtocolError, match="searched on the selection split, not on 'test'"):
        rank(distilbert, CALIBRATION, "greedy", selection=text.split("test"))
    with pytest.raises(ProtocolError, match="'calibration' is of the kind Test"):
        type(text)("x", text.label_names, {"calibration": text.split("test")}, text.provenance)


def test_what_a_method_lacks_is_said(distilbert):
    with pytest.raises(MethodError, match="'taylor' needs labels; give data with a calibration"):
        rank(distilbert, None, "taylor")
    unlabelled = Calibration(CALIBRATION.texts, (-1,) * len(CALIBRATION))
    with pytest.raises(
        MethodError, match="'taylor' needs labels, and texts of the calibration split have"
    ):
        rank(distilbert, unlabelled, "taylor")
    with pytest.raises(MethodError, match=r"needs labels, and all 12 texts .* carry the same one"):
        rank(distilbert, Calibration(CALIBRATION.texts, (0,) * len(CALIBRATION)), "fisher")


@pytest.mark.parametrize(
    "method", [name for name, each in METHODS.items() if each.needs == "texts"]
)
def test_methods_that_need_texts_alone_score_texts_without_labels_as_those_with(distilbert, method):
    unlabelled = Calibration(CALIBRATION.texts, (-1,) * len(CALIBRATION))
    mine = Selection(SELECTION.texts, (-1,) * len(SELECTION))
    found = rank(distilbert, unlabelled, method, selection=mine)
    wanted = rank(distilbert, CALIBRATION, method, selection=SELECTION)
    assert found.order == wanted.order


def test_what_needs_no_sentences_runs_on_data_without_calibration(distilbert, text):
    few = replace(text, splits={"test": text.split("test")})
    for method in ("random", "magnitude"):
        assert len(rank(distilbert, few, method).values) == 12


def test_a_seed_below_0_is_refused(distilbert):
    with pytest.raises(MethodError, match="a seed is 0 or more, not -1"):
        rank(distilbert, None, "random", seed=-1)


def test_a_quantised_model_has_no_gradients(distilbert, tokenizer):
    quantised = load_model(tiny_model("distilbert"), tokenizer=tokenizer)
    packed = torch.zeros(32, 32, dtype=torch.int8)
    quantised.model.pre_classifier.register_buffer("packed", packed)
    with pytest.raises(MethodError, match=r"'taylor' needs gradients.*packed are quantised"):
        rank(quantised, CALIBRATION, "taylor")


def test_a_long_score_reports_on_the_way_and_can_be_stopped(distilbert):
    steps = ranking(distilbert, CALIBRATION, "shapley")
    first = next(steps)
    assert (first.done, first.total, first.unit, first.result) == (1, 120, "masks", None)
    steps.close()


def test_logits_are_not_changed_by_scoring(distilbert):
    (batch, *_) = batches(distilbert, CALIBRATION)
    before = logits(distilbert, batch, full(distilbert))
    for method in METHODS:
        rank(distilbert, CALIBRATION, method)
    assert torch.equal(before, logits(distilbert, batch, full(distilbert)))
    assert not any(parameter.requires_grad for parameter in distilbert.model.parameters())
