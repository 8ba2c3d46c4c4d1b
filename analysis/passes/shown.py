"""One full pass over a split that shows what every head does, the fast way where a model has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from analysis.attention import PART, Intervention, View, intervening
from analysis.batches import Batch, batches
from analysis.models import Subject
from analysis.passes.course import is_refuted, may_pack, packs_truly
from analysis.passes.packed import Attending, PackedModel
from analysis.passes.packs import Pack
from analysis.passes.products import quick_copy
from analysis.precision import dtype_of
from analysis.progress import breathe
from analysis.text import Split
from analysis.tokens import kinds_of

Watch = Callable[[View, Tensor, Tensor], None]
"""Is shown a layer's attention on some sentences, which of their tokens are real, bool or 1 and 0
`[batch, tokens]`, and the tokens' kinds, `[batch, tokens, kinds]`."""


@dataclass(frozen=True)
class Showing:
    """Some sentences, ready to be run through all layers."""

    sentences: int
    tokens: int
    """Their tokens, special ones included and padding not."""
    run: Callable[[Watch], None]
    """Shows every layer, from the bottom up; a view's `rows` are counted within these sentences."""


@dataclass(frozen=True)
class Show:
    """A split in the parts in which it is shown."""

    precision: str
    """The numbers that the layers compute in; attention weights are float32 in any case."""
    parts: Iterator[Showing]


def show(
    subject: Subject, split: Split, *, tokens: int | None = None, precision: str = "float32"
) -> Show:
    """Prepare a split.

    Args:
        subject: the model; all heads are on.
        split: the sentences.
        tokens: size of a part in tokens, at most, unless a single text is longer.
        precision: see `precision.PRECISIONS`; models without the fast way are shown in float32 always.

    Raises:
        MethodError: an unknown precision.
    """
    if packs_truly(subject, split):
        found = numbers(subject, precision)
        model = PackedModel(subject, getattr(torch, found))
        return Show(found, (_of_pack(model, pack) for pack in model.packs(split, tokens)))
    own = quick_copy(subject.model)
    padded = (_of_batch(subject, own, batch) for batch in batches(subject, split, tokens=tokens))
    return Show("float32", padded)


def numbers(subject: Subject, precision: str) -> str:
    """What a precision stands for where heads are shown: `bfloat16` for models with the fast way, else `float32`.

    Raises:
        MethodError: an unknown precision.
    """
    is_short = dtype_of(precision, subject.device) is torch.bfloat16
    is_quick = is_short and may_pack(subject) and not is_refuted(subject)
    return "bfloat16" if is_quick else "float32"


def _of_pack(model: PackedModel, pack: Pack) -> Showing:
    @torch.inference_mode()
    def run(watch: Watch) -> None:
        flat = kinds_of(model.subject.tokenizer, torch.cat([ids.flatten() for ids in pack.ids]))
        sizes = [ids.numel() for ids in pack.ids]
        kinds = [
            part.unflatten(0, ids.shape)
            for part, ids in zip(flat.split(sizes), pack.ids, strict=True)
        ]
        hidden = pack.hidden
        for layer, weights in enumerate(model.layers):
            watched = _watched(model, layer, pack, kinds, watch)
            context = model.attend(weights.whole, pack, hidden, watched)
            breathe()
            if layer < model.last:  # what comes after the last heads shows nothing more
                hidden = model.close(layer, weights.whole.outward(context).add_(hidden))
                breathe()

    return Showing(len(pack), pack.spans[-1].stop, run)


def _watched(
    model: PackedModel, layer: int, pack: Pack, kinds: Sequence[Tensor], watch: Watch
) -> Attending:
    """Attention of a span with its weights in float32, a few sentences at a time, each shown to the watcher."""
    starts = [0, *accumulate(span.count for span in pack.spans)]

    def attending(number: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        query, key, value = (states.float() for states in (query, key, value))
        size = max(1, PART // (query[0, ..., 0].numel() * query.shape[2]))
        outputs = []
        for first in range(0, len(query), size):
            few = slice(first, first + size)
            scores = (query[few] * model.scale) @ key[few].transpose(-1, -2)
            weights = scores.softmax(-1)
            output = (weights @ value[few]).transpose(1, 2).contiguous()
            start = starts[number] + first
            rows = slice(start, start + len(output))
            real = weights.new_ones(output.shape[:2])
            watch(View(layer, weights, None, output, rows), real, kinds[number][few])
            outputs.append(output)
        return torch.cat(outputs)

    return attending


def _of_batch(subject: Subject, model: Any, batch: Batch) -> Showing:
    @torch.inference_mode()
    def run(watch: Watch) -> None:
        kinds = kinds_of(subject.tokenizer, batch.inputs["input_ids"])

        def seen(view: View) -> None:
            watch(view, batch.real[view.rows], kinds[view.rows])
            breathe()

        with intervening(Intervention(watch=seen, in_parts=True)):
            model(**batch.inputs)

    return Showing(len(batch), int(batch.real.sum()), run)
