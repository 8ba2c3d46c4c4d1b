"""Memory of a batch grows with the batch, and shrinks with the heads."""

from __future__ import annotations

from analysis.footprint import footprint
from analysis.mask import HeadMask
from analysis.surgery import prune


def test_activations_grow_with_the_batch_and_weights_do_not(subject):
    one, four = (footprint(subject, batch=batch, length=16) for batch in (1, 4))
    assert one.weights == four.weights == 4 * subject.parameters
    assert 3.5 < four.activations / one.activations < 4.5
    assert four.peak == four.weights + four.activations


def test_an_attention_layer_holds_at_least_query_key_value_and_output(distilbert):
    hidden = distilbert.anatomy.hidden_size
    assert footprint(distilbert, batch=2, length=16).activations >= 4 * 2 * 16 * hidden * 4


def test_a_model_with_fewer_heads_takes_no_more(distilbert):
    smaller = prune(distilbert, HeadMask.off(distilbert.anatomy, [(0, 0), (1, 0), (2, 0)]))
    full, less = (footprint(each, batch=4, length=32) for each in (distilbert, smaller))
    assert less.weights < full.weights
    assert less.activations <= full.activations
