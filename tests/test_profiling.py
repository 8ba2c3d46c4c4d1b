from __future__ import annotations

import weakref

import numpy as np
import pandas as pd
import pytest
import torch
from families.tiny import build
from oracles import NAMES, attention, eager, naive_statistics, projection_inputs
from tiny import sentences

from analysis import load_model, profiling
from analysis.anatomy import outputs_of
from analysis.errors import DataError, MethodError, ModelError, ProtocolError
from analysis.mask import HeadMask
from analysis.passes import packs, shown
from analysis.profiling import profile
from analysis.statistics import STATISTICS
from analysis.surgery import prune
from analysis.text import Calibration, Test, Train


@pytest.fixture(scope="module")
def split():
    return Calibration(*sentences(17, seed=11))


@pytest.fixture(params=["packed", "padded"])
def way(request, monkeypatch):
    """Both ways of running a model of texts."""
    if request.param == "padded":
        monkeypatch.setattr(shown, "packs_truly", lambda subject, split: False)
    return request.param


def naive_table(subject, split) -> pd.DataFrame:
    """A row a head and sentence, by eager attention on one unpadded sentence after the other."""
    twin = eager(subject.model)
    projections = [output.weight.double().numpy() for output in outputs_of(twin)]
    rows = []
    for number, text in enumerate(split.texts):
        ids = subject.tokenizer(text)["input_ids"]
        words = subject.tokenizer.convert_ids_to_tokens(ids)
        kinds = {
            "cls": {place for place, word in enumerate(words) if word == "[CLS]"},
            "sep": {place for place, word in enumerate(words) if word == "[SEP]"},
            "punctuation": {place for place, word in enumerate(words) if word in ",.!"},
        }
        weights: list[np.ndarray] = []
        inputs = projection_inputs(
            twin, lambda ids=ids, weights=weights: weights.extend(attention(twin, ids))
        )
        for layer, seen in enumerate(weights):
            heads = inputs[layer][0].unflatten(-1, (len(seen), -1)).double().numpy()
            found = naive_statistics(seen, heads, projections[layer], kinds)
            for head in range(len(seen)):
                values = {name: found[name][head] for name in NAMES}
                rows.append({"sentence": number, "layer": layer, "head": head, **values})
    return pd.DataFrame(rows)


def test_statistics_are_those_of_the_definitions(subject, split, way):
    expected = naive_table(subject, split).groupby(["layer", "head"])[NAMES].mean()
    found = profile(subject, split).table.set_index(["layer", "head"])
    for name in NAMES:
        assert np.allclose(found[name], expected[name], atol=1e-5), name


def test_standard_errors_are_those_of_pandas(subject, split, way):
    expected = naive_table(subject, split).groupby(["layer", "head"])[NAMES].sem()
    found = profile(subject, split).table.set_index(["layer", "head"])
    for name in NAMES:
        assert np.allclose(found[f"{name}_se"], expected[name], atol=1e-5), name


def test_the_table_has_a_row_a_head_and_a_column_a_statistic(subject, split):
    table = profile(subject, split).table
    columns = [name for statistic in STATISTICS for name in (statistic, f"{statistic}_se")]
    assert list(table.columns) == ["layer", "head", *columns]
    heads = HeadMask.full(subject.anatomy).on_heads
    assert list(zip(table["layer"], table["head"], strict=True)) == list(heads)
    for name, statistic in STATISTICS.items():
        assert table[name].between(statistic.low - 1e-6, statistic.high + 1e-6).all()
    assert np.isfinite(table.to_numpy()).all()


@pytest.mark.parametrize("tokens", [1, 64, 10**6])
def test_the_size_of_a_batch_does_not_matter(distilbert, split, tokens, way):
    steps = len(list(profiling.profiling(distilbert, split, tokens=tokens)))
    assert steps > len(split) if tokens == 1 else steps > 2 if tokens == 64 else steps >= 2
    one, other = profile(distilbert, split), profile(distilbert, split, tokens=tokens)
    assert np.allclose(one.table, other.table, atol=1e-5)
    for mine, theirs in zip(one.means, other.means, strict=True):
        assert torch.allclose(mine, theirs, atol=1e-5)


def test_the_order_of_the_sentences_does_not_matter(distilbert, split):
    turned = Calibration(split.texts[::-1], split.labels[::-1])
    assert np.allclose(profile(distilbert, split).table, profile(distilbert, turned).table)


def test_means_are_the_heads_mean_outputs_over_all_tokens(subject, split, way):
    twin = eager(subject.model)
    by_layer: list[list[torch.Tensor]] = [[], [], []]
    for text in split.texts:
        ids = subject.tokenizer(text)["input_ids"]
        inputs = projection_inputs(twin, lambda ids=ids: attention(twin, ids))
        for layer, states in enumerate(inputs):
            by_layer[layer].append(states[0].unflatten(-1, (4, -1)).double())
    found = profile(subject, split)
    assert (found.n, found.split) == (len(split), "calibration")
    for mine, outputs in zip(found.means, by_layer, strict=True):
        tokens = torch.cat(outputs)
        assert found.tokens == len(tokens)
        assert torch.allclose(mine.double(), tokens.mean(0), atol=1e-5)


def test_no_map_outlives_its_layer(distilbert, monkeypatch, way):
    """While a layer is measured the maps of all layers and batches before it are gone."""
    alive: list[weakref.ref] = []
    peak = []
    measure = profiling.sentence_statistics

    def watched(view, *others):
        peak.append(sum(reference() is not None for reference in alive))
        alive.append(weakref.ref(view.weights))
        return measure(view, *others)

    monkeypatch.setattr(profiling, "sentence_statistics", watched)
    found = profile(distilbert, Calibration(*sentences(20)), tokens=64)
    assert len(peak) > 10
    assert max(peak) == 0
    assert all(reference() is None for reference in alive)
    assert found.n == 20


def test_steps_count_sentences_and_the_last_one_carries_the_profile(distilbert, split):
    steps = list(profiling.profiling(distilbert, split, tokens=100))
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert all(step.total == len(split) and step.unit == "sentences" for step in steps)
    assert steps[-1].result is not None
    assert steps[-1].share == 1


def test_one_sentence_has_no_standard_error(distilbert):
    table = profile(distilbert, Calibration(("the film was good",), (1,))).table
    assert table[[f"{name}_se" for name in STATISTICS]].isna().all(axis=None)
    assert table[list(STATISTICS)].notna().all(axis=None)


def test_bfloat16_is_close_and_says_so(distilbert, split):
    exact, quick = (profile(distilbert, split, precision=p) for p in ("float32", "bfloat16"))
    assert (exact.precision, quick.precision) == ("float32", "bfloat16")
    assert not np.allclose(exact.table, quick.table, atol=1e-6)
    shares = [name for name, statistic in STATISTICS.items() if statistic.high <= 1]
    assert np.allclose(exact.table[shares], quick.table[shares], atol=0.05)


def test_a_text_longer_than_a_pack_is_a_pack_of_its_own(distilbert, monkeypatch):
    text = " ".join(["film"] * 20)
    long = Calibration((text, "the film was good"), (0, 1))
    whole = profile(distilbert, long)
    monkeypatch.setattr(packs, "REFERENCE_PACK", 16)
    assert np.allclose(profile(distilbert, long).table, whole.table, atol=1e-6)


def test_a_model_that_is_not_what_its_family_promises_is_shown_as_it_is(tokenizer, split):
    odd = load_model(build("distilbert"), tokenizer=tokenizer)
    odd.model.distilbert.transformer.layer[1].ffn.register_forward_hook(lambda *given: 2 * given[2])
    found = profile(odd, split, precision="bfloat16")
    assert found.precision == "float32"
    assert shown.numbers(odd, "bfloat16") == "float32"


def test_a_model_without_the_fast_way_is_shown_in_float32(tokenizer, split):
    albert = load_model(build("albert"), tokenizer=tokenizer)
    assert profile(albert, split, precision="bfloat16").precision == "float32"


def test_an_unknown_precision_is_refused(distilbert, split):
    with pytest.raises(MethodError, match="precision 'half'"):
        profile(distilbert, split, precision="half")


def test_a_model_without_heads_is_refused(distilbert, split):
    everything = HeadMask.full(distilbert.anatomy).on_heads
    empty = prune(distilbert, HeadMask.off(distilbert.anatomy, everything))
    with pytest.raises(ModelError, match="no heads left"):
        profile(empty, split)


def test_no_sentences_are_refused(distilbert):
    with pytest.raises(DataError, match="no sentences"):
        profile(distilbert, Calibration((), ()))


def test_a_pruned_model_is_profiled_by_the_heads_it_has_left(distilbert, split, way):
    off = [(0, 2), *[(1, head) for head in range(4)]]
    pruned = prune(distilbert, HeadMask.off(distilbert.anatomy, off))
    found = profile(pruned, split)
    assert found.table.groupby("layer").size().to_dict() == {0: 3, 2: 4}
    assert [tuple(mean.shape) for mean in found.means] == [(3, 8), (0, 8), (4, 8)]
    full = profile(distilbert, split).table
    first = full[(full["layer"] == 0) & (full["head"] != 2)]
    # What a head sees in the first layer does not depend on the others; its neighbours do.
    alike = [name for name in STATISTICS if name != "similarity"]
    left = found.table[found.table["layer"] == 0]
    assert np.allclose(left[alike], first[alike], atol=1e-5)


def test_a_profile_says_its_split_and_is_refused_on_test(distilbert):
    assert profile(distilbert, Train(("good film",), (0,))).split == "train"
    with pytest.raises(ProtocolError, match="nothing is chosen on the test split"):
        profile(distilbert, Test(("good film",), (0,)))
