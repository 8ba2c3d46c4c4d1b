"""Of a model with quantised weights all that needs no gradient can be computed; the rest is refused with the reason."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from scoring import CALIBRATION, SELECTION, full
from tiny import tiny_model
from torch.ao.quantization import default_dynamic_qconfig, quantize_dynamic

from analysis.anatomy import matrix, outputs_of
from analysis.batches import batches
from analysis.ceiling import ceiling
from analysis.cost import cost
from analysis.errors import MethodError, ModelError
from analysis.evaluation import evaluate
from analysis.footprint import footprint
from analysis.latency import Runner, time_models
from analysis.models import fingerprint, load_model
from analysis.profiling import profile
from analysis.repair import repair
from analysis.replay import Replay
from analysis.scores import METHODS, rank
from analysis.surgery import prune
from analysis.sweep import sweep

pytestmark = pytest.mark.filterwarnings("ignore")
WITH_GRADIENTS = {name for name, method in METHODS.items() if "backward" in method.cost}
FEED_FORWARD = {f"distilbert.transformer.layer.{n}.ffn": default_dynamic_qconfig for n in range(3)}
NARROW = {"fractions": (0.25,), "seeds": (0,)}


def in_8_bits(model, parts):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return quantize_dynamic(model, parts, dtype=torch.qint8)


@pytest.fixture(scope="module")
def whole(tokenizer):
    """A subject all of whose linear layers are quantised, those of attention too."""
    subject = load_model(tiny_model("distilbert"), tokenizer=tokenizer)
    return replace(subject, model=in_8_bits(subject.model, {torch.nn.Linear}))


@pytest.fixture(scope="module")
def partly(tokenizer):
    """A subject whose feed-forward parts alone are quantised, so that it is loaded as any other."""
    return load_model(in_8_bits(tiny_model("distilbert"), FEED_FORWARD), tokenizer=tokenizer)


@pytest.fixture(params=["whole", "partly"])
def quantised(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def mask(whole):
    return full(whole).switched([(0, 1), (1, 2)], on=False)


@pytest.fixture(autouse=True)
def _a_processor_made_for_bfloat16(monkeypatch):
    monkeypatch.setattr("analysis.precision.has_bfloat16", lambda _: True)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_ranks_or_says_that_the_weights_are_quantised(quantised, method):
    if method in WITH_GRADIENTS:
        with pytest.raises(MethodError, match=f"'{method}' needs gradients, and .* are quantised"):
            rank(quantised, CALIBRATION, method, selection=SELECTION)
    else:
        found = rank(quantised, CALIBRATION, method, selection=SELECTION)
        assert len(found.values) == 12
        assert np.isfinite(found.values["score"]).all()


def test_scores_of_weights_are_those_of_the_numbers_they_stand_for(whole, distilbert):
    for packed, plain in zip(outputs_of(whole.model), outputs_of(distilbert.model), strict=True):
        assert torch.allclose(matrix(packed), matrix(plain), atol=0.05)
    mine, theirs = (rank(each, None, "magnitude").values["score"] for each in (whole, distilbert))
    assert np.allclose(mine, theirs, rtol=0.01)


def test_masks_are_judged_as_a_plain_pass_judges_them(quantised, mask):
    replay = Replay(quantised, SELECTION)
    assert replay.precision == "float32"
    wanted = evaluate(quantised, batches(quantised, SELECTION), mask)
    assert replay.evaluate(mask).loss == pytest.approx(wanted.loss, abs=1e-5)
    assert profile(quantised, SELECTION).precision == "float32"


def test_fewer_bits_than_the_other_weights_have_are_refused(quantised):
    with pytest.raises(
        MethodError, match=r"cannot compute in bfloat16, because its weights .* are q"
    ):
        Replay(quantised, SELECTION, precision="bfloat16")


def test_packed_weights_and_their_products_are_counted_as_any(quantised, distilbert):
    mine, plain = (cost(each, batch=2, length=8) for each in (quantised, distilbert))
    assert replace(mine, bytes=plain.bytes) == plain
    assert mine.bytes < plain.bytes
    assert footprint(quantised, batch=2, length=8).weights == mine.bytes


def test_the_ceiling_is_that_of_the_plain_model(whole, partly, distilbert):
    plain = ceiling(distilbert, length=8)
    assert ceiling(partly, length=8) == plain
    assert ceiling(whole, length=8) == replace(plain, flops=None)


def test_packed_weights_are_timed_in_float32_only(quantised):
    runners = {"full": Runner(quantised)}
    assert time_models(runners, batch=1, length=8, rounds=1).dtype == "float32"
    with pytest.raises(MethodError, match=r"cannot be timed in bfloat16.* are q.*choose float32"):
        time_models(runners, batch=1, length=8, rounds=1, dtype="bfloat16")


def test_two_quantised_models_with_one_fingerprint_have_the_same_weights(whole, partly, distilbert):
    again = in_8_bits(tiny_model("distilbert"), {torch.nn.Linear})
    other = in_8_bits(tiny_model("distilbert", seed=1), {torch.nn.Linear})
    assert fingerprint(again) == whole.fingerprint
    assert (
        len({each.fingerprint for each in (whole, partly, distilbert)} | {fingerprint(other)}) == 4
    )


def test_heads_of_quantised_attention_can_be_switched_off_and_not_removed(whole, mask, text):
    sentence = (
        "attention.q_lin of layer 0 is quantised, so heads can be switched off and scored, not r"
    )
    with pytest.raises(ModelError, match=sentence):
        prune(whole, mask)
    for kind in ("none", "mean", "least-squares"):
        with pytest.raises(ModelError, match=sentence):
            repair(whole, mask, CALIBRATION, kind)
    assert len(sweep(whole, text, ("magnitude",), **NARROW)) == 1
    with pytest.raises(ModelError, match=sentence):
        sweep(whole, text, ("magnitude",), repairs=("none", "mean"), **NARROW)


def test_heads_before_a_quantised_feed_forward_part_are_removed_and_folded(partly, mask, text):
    assert prune(partly, mask).anatomy.heads == (3, 3, 4)
    mended = repair(partly, mask, CALIBRATION, "mean", selection=SELECTION)
    assert mended.subject.anatomy.heads == (3, 3, 4)
    assert len(sweep(partly, text, ("magnitude",), repairs=("none", "mean"), **NARROW)) == 2


def test_quantised_weights_are_not_solved_anew(partly, mask, text):
    sentence = (
        "'least-squares' solves ffn.lin2 anew, which is quantised; choose the repair mean or none"
    )
    with pytest.raises(MethodError, match=sentence):
        repair(partly, mask, CALIBRATION, "least-squares")
    with pytest.raises(MethodError, match=sentence):
        sweep(partly, text, ("magnitude",), repairs=("least-squares",), **NARROW)
