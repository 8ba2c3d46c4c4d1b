from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import sentences

from analysis.anatomy import layers_of, outputs_of
from analysis.errors import DataError, MethodError, ProtocolError
from analysis.mask import HeadMask
from analysis.profiling import profile
from analysis.scores import METHODS, Ranking, rank
from analysis.surgery import prune
from analysis.text import Calibration, LabelledText, Selection, Split, Test, Train

ATTENTION = ("entropy-high", "entropy-low", "sparsity-high", "sparsity-low", "attention-guided")


@pytest.fixture(scope="module")
def calibration(text):
    return text.split("calibration")


@pytest.mark.parametrize("method", METHODS)
def test_every_method_scores_every_head_by_a_number(subject, text, method):
    values = rank(subject, text, method).values
    assert list(values.columns) == ["layer", "head", "score"]
    heads = HeadMask.full(subject.anatomy).on_heads
    assert list(zip(values["layer"], values["head"], strict=True)) == list(heads)
    assert np.isfinite(values["score"]).all()
    assert values["score"].nunique() > 1


@pytest.mark.parametrize("method", METHODS)
def test_a_ranking_is_the_same_every_time(distilbert, text, method):
    once, twice = (rank(distilbert, text, method, seed=3) for _ in range(2))
    assert once.values.equals(twice.values)


@pytest.mark.parametrize("split", [Train, Selection, Test, Split])
@pytest.mark.parametrize("method", METHODS)
def test_no_other_split_than_calibration_is_looked_at(distilbert, split, method):
    with pytest.raises(ProtocolError, match="scored on the calibration split"):
        rank(distilbert, split(*sentences(5)), method)


def test_of_labelled_text_the_calibration_split_is_taken(distilbert, text, calibration):
    for method in METHODS:
        whole, part = (rank(distilbert, data, method).values for data in (text, calibration))
        assert whole.equals(part)


def test_labelled_text_without_calibration_is_refused(distilbert, text):
    rest = LabelledText("rest", text.label_names, {"test": text.split("test")}, text.provenance)
    with pytest.raises(DataError, match="unknown split 'calibration'"):
        rank(distilbert, rest, "entropy-low")


@pytest.mark.parametrize("method", ATTENTION)
def test_methods_that_need_texts_say_so(distilbert, method):
    with pytest.raises(MethodError, match="give data with a calibration split"):
        rank(distilbert, None, method)


@pytest.mark.parametrize("method", ["magnitude", "random"])
def test_methods_that_need_no_texts_take_none(distilbert, method):
    assert len(rank(distilbert, None, method).values) == 12


def test_an_unknown_method_is_refused_with_the_choices(distilbert, text):
    with pytest.raises(MethodError, match=r"unknown method 'taylr'.* magnitude, random"):
        rank(distilbert, text, "taylr")


@pytest.mark.parametrize("name", ["entropy", "sparsity"])
def test_both_directions_are_the_statistic_and_its_opposite(subject, text, calibration, name):
    expected = profile(subject, calibration).table[name]
    high, low = (rank(subject, text, f"{name}-{side}").values["score"] for side in ("high", "low"))
    assert np.allclose(high, expected)
    assert np.allclose(low, -expected)
    if expected.is_unique:
        turned = rank(subject, text, f"{name}-low").order[::-1]
        assert rank(subject, text, f"{name}-high").order == turned


def test_attention_guided_is_its_definition(subject, text, calibration):
    """A third each of the ranks of focus, sparsity and difference, from 0 to 1."""
    table = profile(subject, calibration).table
    expected = sum(
        pd.Series(part).rank().sub(1).div(len(table) - 1) / 3
        for part in (-table["entropy"], table["sparsity"], 1 - table["similarity"])
    )
    found = rank(subject, text, "attention-guided").values["score"]
    assert np.allclose(found, expected)
    assert found.between(0, 1).all()


def test_magnitude_is_the_norm_of_the_slices(subject):
    found = rank(subject, None, "magnitude").values.set_index(["layer", "head"])["score"]
    size = subject.anatomy.head_size
    for layer, (module, output) in enumerate(
        zip(layers_of(subject.model), outputs_of(subject.model), strict=True)
    ):
        linears = {name: part for name, part in module.named_modules() if part is not output}
        inward = [
            part.weight
            for name, part in linears.items()
            if name.split(".")[-1] in ("q_lin", "k_lin", "v_lin", "query", "key", "value")
        ]
        assert len(inward) == 3
        for head in range(4):
            rows = slice(head * size, (head + 1) * size)
            norms = [float(weight[rows].square().sum() ** 0.5) for weight in inward]
            norms.append(float(output.weight[:, rows].square().sum() ** 0.5))
            assert found[layer, head] == pytest.approx(sum(norms), rel=1e-5)


def test_random_differs_by_seed_and_by_nothing_else(distilbert, text):
    orders = [rank(distilbert, text, "random", seed=seed).order for seed in range(10)]
    assert len(set(orders)) == 10
    assert rank(distilbert, None, "random", seed=4).order == orders[4]


def test_a_seed_changes_no_other_method(distilbert, text):
    for method in set(METHODS) - {"random"}:
        one, other = (rank(distilbert, text, method, seed=seed).order for seed in (0, 1))
        assert one == other


def test_a_pruned_model_is_scored_by_the_heads_it_has_left(distilbert, text):
    off = [(0, 2), *[(1, head) for head in range(4)]]
    pruned = prune(distilbert, HeadMask.off(distilbert.anatomy, off))
    for method in METHODS:
        ranking = rank(pruned, text, method)
        assert ranking.values.groupby("layer").size().to_dict() == {0: 3, 2: 4}
        assert ranking.mask(pruned.anatomy, 2).heads == (3, 0, 4)


scores = st.lists(st.floats(-5, 5), min_size=12, max_size=12)


@settings(deadline=None)
@given(scores)
def test_masks_of_a_ranking_keep_the_best_and_are_nested(values):
    heads = [(layer, head) for layer in range(3) for head in range(4)]
    table = pd.DataFrame(heads, columns=["layer", "head"]).assign(score=values)
    ranking = Ranking("any", table)
    score = dict(zip(heads, values, strict=True))
    assert sorted(ranking.order) == heads
    assert [score[head] for head in ranking.order] == sorted(values, reverse=True)
    shape = HeadMask(((True,) * 4,) * 3)
    before: set = set()
    for keep in range(13):
        mask = ranking.mask(shape, keep)
        kept = set(mask.on_heads)
        assert len(kept) == keep
        assert before <= kept
        if 0 < keep < 12:
            assert min(score[head] for head in kept) >= max(score[h] for h in mask.off_heads)
        before = kept


def test_equal_scores_stand_by_layer_and_head():
    heads = [(layer, head) for layer in range(3) for head in range(4)]
    table = pd.DataFrame(heads, columns=["layer", "head"]).assign(score=1.0)
    shuffled = table.sample(frac=1, random_state=0)
    assert Ranking("any", shuffled).order == tuple(heads)


@pytest.mark.parametrize("keep", [-1, 13])
def test_more_heads_than_there_are_cannot_be_kept(distilbert, text, keep):
    with pytest.raises(MethodError, match=f"cannot keep {keep} heads: the model has 12"):
        rank(distilbert, text, "random").mask(distilbert.anatomy, keep)


def test_every_method_says_what_it_does():
    for name, method in METHODS.items():
        assert method.name == name
        assert method.title
        assert method.needs in ("nothing", "weights", "texts", "labels")
        assert method.meaning.endswith(".")
        assert method.source


def test_scoring_leaves_the_model_as_it_was(distilbert, text):
    ids = torch.tensor([[2, 5, 6, 3]])
    with torch.inference_mode():
        before = distilbert.model(input_ids=ids).logits
    for method in METHODS:
        rank(distilbert, text, method)
    with torch.inference_mode():
        assert torch.equal(distilbert.model(input_ids=ids).logits, before)
    assert all(parameter.grad is None for parameter in distilbert.model.parameters())


def test_the_calibration_split_is_not_changed(distilbert, calibration):
    copy = Calibration(calibration.texts, calibration.labels)
    rank(distilbert, calibration, "attention-guided")
    assert calibration == copy
