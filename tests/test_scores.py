"""Every score equals what a slow implementation, written apart from it, gives on tiny models."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from tiny import sentences, tiny_model
from torch.nn.functional import cross_entropy

from analysis.anatomy import outputs_of
from analysis.attention import Intervention, intervening
from analysis.batches import batches
from analysis.errors import MethodError, ProtocolError
from analysis.evaluation import evaluate, logits
from analysis.mask import HeadMask
from analysis.models import load_model
from analysis.progress import finish
from analysis.scores import METHODS, attribution, rank, ranking, reconstruction
from analysis.scores.ablation import divergences, shapley
from analysis.scores.method import Evidence
from analysis.text import Calibration, Selection, Test

HEADS = [(layer, head) for layer in range(3) for head in range(4)]
CALIBRATION = Calibration(*sentences(12))
SELECTION = Selection(*sentences(10, seed=1))


def scores(subject, method, **options):
    return rank(subject, CALIBRATION, method, **options).values["score"].to_numpy()


def one_by_one(subject, split):
    """Each sentence alone, without padding, with its true label."""
    for text, label in zip(split.texts, split.labels, strict=True):
        (batch,) = batches(subject, type(split)((text,), (label,)), multiple=1)
        yield batch


def gate_derivative(subject, split, head, mask=None):
    """Central difference of every sentence's loss by one gate, in float64."""
    model = load_model(tiny_model(subject.anatomy.family).double(), tokenizer=subject.tokenizer)
    model.model.double()
    found = []
    for batch in one_by_one(subject, split):
        values = []
        for shift in (1e-4, -1e-4):
            gates = [torch.tensor(row, dtype=torch.float64) for row in (mask or full(subject)).rows]
            gates[head[0]][head[1]] += shift
            with torch.no_grad(), intervening(Intervention(gates=gates)):
                values.append(
                    float(cross_entropy(model.model(**batch.inputs).logits, batch.labels))
                )
        found.append((values[0] - values[1]) / 2e-4)
    return np.array(found)


def full(subject):
    return HeadMask.full(subject.anatomy)


def order_of(values):
    return [HEADS[number] for number in np.argsort(values)]


@pytest.fixture(scope="module")
def slow(distilbert):
    """Derivatives `[heads, sentences]` by central differences."""
    return np.array([gate_derivative(distilbert, CALIBRATION, head) for head in HEADS])


def test_taylor_is_the_mean_size_of_each_sentences_derivative(distilbert, slow):
    importance = np.abs(slow).mean(1)
    assert scores(distilbert, "taylor") == pytest.approx(importance, rel=1e-3, abs=1e-5)
    by_layer = importance.reshape(3, 4) / np.linalg.norm(importance.reshape(3, 4), axis=1)[:, None]
    assert scores(distilbert, "taylor-layer") == pytest.approx(by_layer.ravel(), rel=1e-3)


def test_fisher_is_the_mean_square_of_each_sentences_derivative(distilbert, slow):
    assert scores(distilbert, "fisher") == pytest.approx((slow**2).mean(1), rel=2e-3, abs=1e-6)


def test_kwon_removes_where_the_block_diagonal_form_grows_least(distilbert, slow):
    information = slow @ slow.T / slow.shape[1]

    def cost(removed):
        return sum(
            information[HEADS.index(a), HEADS.index(b)]
            for a, b in itertools.product(removed, removed)
            if a[0] == b[0]
        )

    removed = []
    while len(removed) < len(HEADS):
        rest = [head for head in HEADS if head not in removed]
        removed.append(min(rest, key=lambda head: cost([*removed, head])))
    assert order_of(scores(distilbert, "kwon")) == removed


def test_hies_mixes_gradient_and_low_entropy(distilbert, slow):
    def spread(values):
        return (values - values.min()) / (values.max() - values.min())

    entropy = scores(distilbert, "entropy-high")
    wanted = 0.25 * spread(np.abs(slow).mean(1)) + 0.75 * (1 - spread(entropy))
    assert scores(distilbert, "hies", setting=(0.25,)) == pytest.approx(wanted, abs=2e-3)
    assert scores(distilbert, "hies") == pytest.approx(scores(distilbert, "hies", setting=(0.5,)))


def test_iterated_taylor_scores_anew_at_every_mask(distilbert):
    few = CALIBRATION.limited(5)
    mask, removed = full(distilbert), []
    while mask.heads_on:
        size = {h: np.abs(gate_derivative(distilbert, few, h, mask)).mean() for h in mask.on_heads}
        removed.append(min(size, key=size.get))
        mask = mask.switched([removed[-1]], on=False)
    found = rank(distilbert, few, "taylor-iterated").values["score"].to_numpy()
    assert order_of(found) == removed


def test_leave_one_out_is_the_loss_and_the_divergence_without_each_head(distilbert):
    ready = batches(distilbert, CALIBRATION)
    base = evaluate(distilbert, ready)
    p = base.predictions.logits.double().softmax(-1)
    losses, moved = [], []
    for head in HEADS:
        found = evaluate(distilbert, ready, HeadMask.off(distilbert.anatomy, [head]))
        losses.append(found.loss - base.loss)
        q = found.predictions.logits.double().softmax(-1)
        moved.append(float((p * (p / q).log()).sum(-1).mean()))
    precise = {"rel": 0.1, "abs": 0.03}  # replay may compute in bfloat16
    assert scores(distilbert, "leave-one-out-loss") == pytest.approx(losses, **precise)
    assert scores(distilbert, "leave-one-out") == pytest.approx(moved, **precise)


def test_shapley_values_of_all_orders_are_the_definitions(tokenizer):
    small = load_model(tiny_model("distilbert", n_layers=1, n_heads=4), tokenizer=tokenizer)
    ready = batches(small, CALIBRATION)
    heads = [(0, head) for head in range(4)]
    value = {
        kept: -evaluate(small, ready, HeadMask.off(small.anatomy, set(heads) - set(kept))).loss
        for size in range(5)
        for kept in itertools.combinations(heads, size)
    }
    wanted = []
    for head in heads:
        gains = []
        for order in itertools.permutations(heads):
            before = tuple(sorted(order[: order.index(head)]))
            gains.append(value[tuple(sorted((*before, head)))] - value[before])
        wanted.append(np.mean(gains))
    sampled = finish(shapley(small, Evidence(CALIBRATION, None), permutations=200))
    assert sampled == pytest.approx(wanted, abs=0.15)
    assert sum(sampled) == pytest.approx(value[tuple(heads)] - value[()], abs=0.02)


def test_attribution_is_the_integral_over_scaled_attention(distilbert):
    """Attention entered by hand as a leaf, in a forward pass of its own."""
    few = CALIBRATION.limited(3)
    wanted = torch.zeros(3, 4)
    for batch in one_by_one(distilbert, few):
        for layer in range(3):
            wanted[layer] += attributed_slowly(distilbert.model, batch, layer) / len(few)
    found = finish(attribution.attention_attribution(distilbert, Evidence(few, None), steps=4))
    assert np.array(found).reshape(3, 4) == pytest.approx(wanted.numpy(), rel=1e-3, abs=1e-6)


def attributed_slowly(model, batch, target, steps=4):
    integral, attention = 0.0, None
    for step in range(1, steps + 1):
        hidden = model.distilbert.embeddings(batch.inputs["input_ids"])
        for layer, block in enumerate(model.distilbert.transformer.layer):
            a = block.attention
            q, k, v = (
                lin(hidden).view(1, -1, 4, 8).transpose(1, 2) for lin in (a.q_lin, a.k_lin, a.v_lin)
            )
            weights = (q @ k.transpose(-1, -2) / 8**0.5).softmax(-1)
            if layer == target:
                attention = weights.detach()
                weights = leaf = (attention * step / steps).requires_grad_()
            mixed = (weights @ v).transpose(1, 2).flatten(2)
            hidden = block.sa_layer_norm(a.out_lin(mixed) + hidden)
            hidden = block.output_layer_norm(block.ffn(hidden) + hidden)
        answer = model.classifier(model.pre_classifier(hidden[:, 0]).relu()).softmax(-1)
        answer[0, batch.labels[0]].backward()
        integral = integral + leaf.grad / steps
    return (attention * integral)[0].flatten(1).amax(-1)


def test_greedy_removes_what_moves_the_answers_least_and_swaps_only_help(distilbert):
    found = rank(distilbert, CALIBRATION, "greedy", selection=SELECTION)
    ready = batches(distilbert, SELECTION)
    reference = evaluate(distilbert, ready).predictions.logits

    def moved(mask):
        return float(divergences(evaluate(distilbert, ready, mask).predictions.logits, reference))

    mask, order = full(distilbert), []
    for keep in range(11, 8, -1):  # the first three heads go before the first swap
        order = min(mask.on_heads, key=lambda head: moved(mask.switched([head], on=False)))
        mask = mask.switched([order], on=False)
        swapped = found.mask(distilbert.anatomy, keep)
        assert swapped.heads_on == keep
        assert moved(swapped) <= moved(mask) * 1.05 + 1e-3
    assert set(found.masks) == {9, 6, 3}


def test_magnitude_is_the_norm_of_the_four_slices(distilbert):
    wanted = []
    for block in distilbert.model.distilbert.transformer.layer:
        a = block.attention
        for head in range(4):
            rows = slice(8 * head, 8 * head + 8)
            wanted.append(
                sum(float(lin.weight[rows].norm()) for lin in (a.q_lin, a.k_lin, a.v_lin))
                + float(a.out_lin.weight[:, rows].norm())
            )
    assert scores(distilbert, "magnitude") == pytest.approx(wanted, rel=1e-5)


def attention_by_hand(subject, batch):
    """Attention `[layers, heads, n, n]` and the norms `[layers, heads]` of what each head adds."""
    hidden, maps, norms = subject.model.distilbert.embeddings(batch.inputs["input_ids"]), [], []
    for block in subject.model.distilbert.transformer.layer:
        a = block.attention
        q, k, v = (
            lin(hidden).view(1, -1, 4, 8).transpose(1, 2) for lin in (a.q_lin, a.k_lin, a.v_lin)
        )
        weights = (q @ k.transpose(-1, -2) / 8**0.5).softmax(-1)
        mixed = weights @ v
        maps.append(weights[0])
        norms.append(
            torch.stack(
                [
                    (mixed[0, h] @ a.out_lin.weight[:, 8 * h : 8 * h + 8].T).norm(dim=-1).mean()
                    for h in range(4)
                ]
            )
        )
        hidden = block.sa_layer_norm(a.out_lin(mixed.transpose(1, 2).flatten(2)) + hidden)
        hidden = block.output_layer_norm(block.ffn(hidden) + hidden)
    return torch.stack(maps), torch.stack(norms)


@torch.no_grad()
def test_attention_scores_are_their_formulas(distilbert):
    sums = {"entropy-high": 0, "sparsity-high": 0, "confidence": 0, "output-norm": 0}
    for batch in one_by_one(distilbert, CALIBRATION):
        p, norms = attention_by_hand(distilbert, batch)
        n = p.shape[-1]
        sums["entropy-high"] += -(p * p.clamp(min=1e-30).log()).sum(-1).mean(-1) / np.log(n)
        sums["sparsity-high"] += (p < 0.1 / n).float().mean(-1).mean(-1)
        sums["confidence"] += p.amax(-1).mean(-1)
        sums["output-norm"] += norms
    for method, total in sums.items():
        wanted = (total / len(CALIBRATION)).flatten().numpy()
        assert scores(distilbert, method) == pytest.approx(wanted, rel=2e-3, abs=1e-4), method
    assert scores(distilbert, "entropy-low") == pytest.approx(-scores(distilbert, "entropy-high"))
    assert scores(distilbert, "sparsity-low") == pytest.approx(-scores(distilbert, "sparsity-high"))


def test_attention_guided_weights_change_what_it_looks_at(distilbert):
    def ranks(values):
        return np.argsort(np.argsort(values))

    alone = scores(distilbert, "attention-guided", setting=(1, 0, 0))
    assert list(ranks(alone)) == list(ranks(scores(distilbert, "entropy-low")))
    with pytest.raises(MethodError, match="has no setting"):
        rank(distilbert, CALIBRATION, "attention-guided", setting=(9, 9, 9))


def moments_by_hand(subject):
    """Fisher-weighted covariance of the heads' outputs and their gradients' moment, sentence by sentence."""
    outputs, gradients, weights = ([[] for _ in range(3)] for _ in range(3))
    for batch in one_by_one(subject, CALIBRATION):
        seen = []
        hooks = [
            projection.register_forward_pre_hook(
                lambda _, given, seen=seen: seen.append(given[0].requires_grad_()) or given
            )
            for projection in outputs_of(subject.model)
        ]
        with torch.enable_grad():
            answer = subject.model(**batch.inputs).logits.log_softmax(-1)[0]
        for hook in hooks:
            hook.remove()
        for label, probability in enumerate(answer.detach().exp()):
            found = torch.autograd.grad(answer[label], seen, retain_graph=True)
            for layer in range(3):
                g = found[layer][0].double() * probability.double().sqrt()
                outputs[layer].append(seen[layer][0].detach().double())
                gradients[layer].append(g)
                weights[layer].append(g.square().sum(-1))
    for layer in range(3):
        z, g, w = (torch.cat(part[layer]) for part in (outputs, gradients, weights))
        mean = (w[:, None] * z).sum(0) / w.sum()
        yield (z - mean).T @ (w[:, None] * (z - mean)) / w.sum(), g.T @ g / len(CALIBRATION)


def test_repair_aware_takes_the_moments_of_outputs_and_fisher_gradients(distilbert):
    found = reconstruction.moments(distilbert, CALIBRATION)
    for mine, (covariance, gradients) in zip(found, moments_by_hand(distilbert), strict=True):
        close = {"rtol": 1e-3, "atol": 1e-4 * float(covariance.abs().max())}
        assert torch.allclose(mine.outputs, covariance, **close)
        close["atol"] = 1e-4 * float(gradients.abs().max())
        assert torch.allclose(mine.gradients, gradients, **close)


def test_repair_aware_costs_are_what_least_squares_leaves(distilbert):
    """The downdates give what solving every candidate anew gives."""
    layers = reconstruction.moments(distilbert, CALIBRATION)
    removed = reconstruction.eliminate(layers, (4, 4, 4))
    gone = [[], [], []]

    def lost(layer, heads):
        c, n = layers[layer].outputs.clone(), layers[layer].gradients
        c.diagonal().add_(reconstruction.RIDGE * c.diagonal().mean())
        out = [8 * head + place for head in heads for place in range(8)]
        kept = [place for place in range(32) if place not in out]
        rest = c[out][:, out]
        if kept:
            rest = rest - c[out][:, kept] @ torch.linalg.solve(c[kept][:, kept], c[kept][:, out])
        return float((n[out][:, out] * rest).sum())

    for step in removed:
        added = {
            (layer, head): lost(layer, [*gone[layer], head])
            - (lost(layer, gone[layer]) if gone[layer] else 0)
            for layer, head in HEADS
            if head not in gone[layer]
        }
        assert 2 * step.cost == pytest.approx(added[step.head], rel=1e-6)
        assert added[step.head] == pytest.approx(min(added.values()), rel=1e-6)
        gone[step.head[0]].append(step.head[1])
    order = [step.head for step in removed]
    assert order_of(scores(distilbert, "repair-aware")) == order


def test_a_head_that_another_repeats_is_the_first_to_go(tokenizer):
    """Least squares replaces a copy without loss, so our method gives it up first."""
    model = tiny_model("distilbert", seed=3)
    with torch.no_grad():
        for name in ("q_lin", "k_lin", "v_lin"):
            linear = getattr(model.distilbert.transformer.layer[1].attention, name)
            linear.weight[8:16] = linear.weight[:8]
            linear.bias[8:16] = linear.bias[:8]
    subject = load_model(model, tokenizer=tokenizer)
    layers = reconstruction.moments(subject, CALIBRATION)
    first, second, *_ = reconstruction.eliminate(layers[1:2], (4,), ridge=1e-9)
    assert first.head in {(0, 0), (0, 1)}
    assert first.cost < 1e-6 * second.cost


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
    disguised = type(text)(
        "x", text.label_names, {"calibration": text.split("test")}, text.provenance
    )
    with pytest.raises(ProtocolError, match="not on 'test'"):
        rank(distilbert, disguised, "taylor")


def test_what_a_method_lacks_is_said(distilbert):
    with pytest.raises(MethodError, match="'taylor' needs labels; give data with a calibration"):
        rank(distilbert, None, "taylor")
    unlabelled = Calibration(CALIBRATION.texts, (0,) * len(CALIBRATION))
    with pytest.raises(MethodError, match=r"needs labels, and all 12 texts .* carry the same one"):
        rank(distilbert, unlabelled, "fisher")
    assert len(rank(distilbert, unlabelled, "repair-aware").values) == 12


def test_a_quantised_model_has_no_gradients(distilbert, tokenizer):
    quantised = load_model(tiny_model("distilbert"), tokenizer=tokenizer)
    packed = torch.zeros(32, 32, dtype=torch.int8)
    quantised.model.pre_classifier.register_buffer("packed", packed)
    with pytest.raises(MethodError, match=r"packed are quantised .* no gradients"):
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
