"""How cost grows: with sentences, with length, with heads and layers, with people at once."""

from __future__ import annotations

import threading

import torch
from transformers import BertConfig, BertForSequenceClassification

from analysis import load_model
from analysis.mask import HeadMask
from analysis.replay import Replay
from analysis.text import Selection
from benchmarks.figures import Figure, spread, timed
from benchmarks.profiles import share_of


def growth(subject, data, repeats):
    """All growth figures, as `plots` draws them."""
    split = data.split("selection")
    return [
        *_sentences(subject, split),
        *_length(subject, split),
        *_shapes(subject, split),
        *_people(subject, split),
    ]


def _sentences(subject, split):
    sizes = [len(split) // 8, len(split) // 4, len(split) // 2, len(split)]
    _full(subject, split.limited(sizes[0]))
    seconds = [_full(subject, split.limited(size)) for size in sizes]
    each = [1000 * second / size for second, size in zip(seconds, sizes, strict=True)]
    detail = f"{sizes[0]} to {sizes[-1]} sentences: flat is linear"
    return [
        spread("full pass a sentence", each, "ms", detail),
        *(
            Figure(f"full pass, {size} sentences", *[second] * 3, "s", "nothing remembered", x=size)
            for size, second in zip(sizes, seconds, strict=True)
        ),
    ]


def _length(subject, split):
    words = " ".join(split.texts).split()
    lengths, shares = [16, 64, 256, 500], []
    for length in lengths:
        count = max(8, 8192 // length)
        texts = tuple(" ".join(words[i * length : (i + 1) * length]) for i in range(count))
        shares.append(share_of(subject, Selection(texts, (0,) * count))[0])
    return [
        Figure(f"profile over a plain pass, {length} words", *[share] * 3, "x", "float32", x=length)
        for length, share in zip(lengths, shares, strict=True)
    ]


def _shapes(subject, split):
    figures = []
    few = split.limited(64)
    for layers, heads in ((12, 12), (24, 16)):
        config = BertConfig(
            vocab_size=len(subject.tokenizer),
            num_hidden_layers=layers,
            num_attention_heads=heads,
            hidden_size=64 * heads,
            intermediate_size=256 * heads,
        )
        torch.manual_seed(0)
        other = load_model(BertForSequenceClassification(config), tokenizer=subject.tokenizer)
        replay = Replay(other, few)
        full = timed(replay.evaluate)[0]
        clicks = [
            full / _click(replay, HeadMask.off(other.anatomy, [(layer, 0)]))
            for layer in range(layers)
        ]
        name = f"click against a full pass, {layers} x {heads}"
        figures.append(
            spread(name, clicks, "x", f"random weights, {len(few)} sentences, one head a layer")
        )
        figures += [
            Figure(f"{name}, layer {layer}", *[click] * 3, "x", "", x=layer)
            for layer, click in enumerate(clicks)
        ]
    return figures


def _people(subject, split):
    figures = []
    for people in (1, 2, 4, 8):
        replay, waits = Replay(subject, split), []
        replay.evaluate()

        def click(number, replay=replay, waits=waits):
            waits.append(_click(replay, HeadMask.off(subject.anatomy, [(2, number), (4, number)])))

        threads = [threading.Thread(target=click, args=(number,)) for number in range(people)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        figures.append(
            spread(
                f"click with {people} people at once",
                waits,
                "s",
                "exact answer, one process",
                x=people,
            )
        )
    return figures


def _click(replay, mask):
    return timed(lambda: replay.evaluate(mask, keep=False))[0]


def _full(subject, split):
    return timed(Replay(subject, split).evaluate)[0]
