"""How cost grows: with sentences, with length, with heads and layers, with people at once."""

from __future__ import annotations

import threading
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification

from analysis import load_model
from analysis.batches import batches
from analysis.mask import HeadMask
from analysis.profiling import profile
from analysis.replay import Replay
from analysis.text import Selection
from benchmarks.figures import Figure, spread, timed

PLOTS = Path(__file__).parent / "plots"


def growth(subject, data, repeats):
    """All growth figures; draws one plot each into `benchmarks/plots`."""
    split = data.split("selection")
    return [
        *_sentences(subject, split),
        *_length(subject, split),
        *_shapes(subject, split),
        *_people(subject, split),
    ]


def _sentences(subject, split):
    sizes = [len(split) // 8, len(split) // 4, len(split) // 2, len(split)]
    seconds = [_full(subject, split.limited(size)) for size in sizes]
    _draw("sentences", sizes, seconds, "sentences", "seconds for a full pass")
    each = [1000 * second / size for second, size in zip(seconds, sizes, strict=True)]
    return [
        spread(
            "full pass a sentence",
            each,
            "ms",
            f"{sizes[0]} to {sizes[-1]} sentences: flat is linear",
        )
    ]


def _length(subject, split):
    words = " ".join(split.texts).split()
    lengths, shares = [16, 64, 256, 500], []
    for length in lengths:
        count = max(4, 4096 // length)
        texts = tuple(" ".join(words[i * length : (i + 1) * length]) for i in range(count))
        shares.append(_share(subject, Selection(texts, (0,) * count)))
    _draw("length", lengths, shares, "words", "profile over a plain pass")
    return [
        Figure(
            f"profile over a plain pass, {length} words", share, share, share, "x", "same batches"
        )
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
            spread(f"click with {people} people at once", waits, "s", "exact answer, one process")
        )
    return figures


def _click(replay, mask):
    return timed(lambda: replay.evaluate(mask, keep=False))[0]


@torch.inference_mode()
def _share(subject, split):
    ready = batches(subject, split)

    def plain():
        for batch in ready:
            subject.model(**batch.inputs)

    plain()
    before = timed(plain)[0]
    found = timed(lambda: profile(subject, split))[0]
    return found / ((before + timed(plain)[0]) / 2)


def _full(subject, split):
    return timed(Replay(subject, split).evaluate)[0]


def _draw(name, xs, ys, x_title, y_title):
    import plotly.graph_objects as go

    PLOTS.mkdir(exist_ok=True)
    figure = go.Figure(go.Scatter(x=xs, y=ys, mode="lines+markers"))
    figure.update_layout(xaxis_title=x_title, yaxis_title=y_title, template="plotly_white")
    figure.update_yaxes(rangemode="tozero")
    figure.write_html(
        PLOTS / f"{name}.html", include_plotlyjs=True, config={"showSendToCloud": False}
    )
