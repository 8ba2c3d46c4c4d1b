"""Sentences laid end to end, so that no token is padding and products have few shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import torch
from torch import Tensor

from analysis.batches import Batch, batch_of, encode
from analysis.models import Subject
from analysis.passes.shell import Shell
from analysis.text import Split

PACK = {"cpu": 1024, "cuda": 65_536}
"""Tokens of a pack: on a CPU large enough for its matrix units, small enough for its caches and for a click
not to wait long for a step of other work; on a GPU large enough that the time goes into arithmetic, not into
starting it."""
REFERENCE_PACK = 512
"""Tokens of a pack on a CPU in float32: half as many take as long a sentence, and a click sees a first answer
in half the time on processors that have nothing faster."""
ROUND = 8
"""Rows of a pack are a multiple of so many: few shapes, and hardly a row that is no token."""


@dataclass(frozen=True)
class Span:
    """Sentences of one length that lie end to end in a pack."""

    start: int
    count: int
    length: int

    @property
    def stop(self) -> int:
        """Place after the last token."""
        return self.start + self.count * self.length


@dataclass(frozen=True, eq=False)
class Pack:
    """Sentences laid end to end."""

    rows: Tensor
    """Places of the sentences in their split, `[n]`."""
    labels: Tensor
    spans: tuple[Span, ...]
    first: Tensor
    """Place of each sentence's first token in the pack, `[n]`."""
    hidden: Tensor
    """Hidden states that enter layer 0, `[pack, hidden]`; rows past the last sentence are 0."""
    ids: tuple[Tensor, ...]
    """Tokens of each span, `[count, length]`."""

    def __len__(self) -> int:
        return len(self.rows)

    def times(self, count: int) -> Pack:
        """This pack so many times in a row, for hidden states that differ."""
        starts = [copy * len(self.hidden) for copy in range(count)]
        return Pack(
            rows=self.rows.repeat(count),
            labels=self.labels.repeat(count),
            spans=tuple(
                replace(span, start=start + span.start) for start in starts for span in self.spans
            ),
            first=torch.cat([start + self.first for start in starts]),
            hidden=self.hidden.repeat(count, 1),
            ids=self.ids * count,
        )


def packs(
    subject: Subject, shell: Shell, split: Split, dtype: torch.dtype, size: int | None = None
) -> Iterator[Pack]:
    """Lay a split end to end, short sentences first, one pack of at most `size` tokens (see `PACK`) at a time.

    The first pack is half as large, so that somebody who waits for a first estimate has it sooner.

    Args:
        subject: the model, for its tokenizer, length and place.
        shell: the model's embeddings.
        split: the sentences.
        dtype: numbers of the hidden states.
        size: tokens of a pack at most; never more than suits the device.
    """
    encoded = encode(subject, split.texts)
    lengths = [len(ids) for ids in encoded["input_ids"]]
    usual = _usual_size(subject.device, dtype)
    size = _even(lengths, min(size or usual, usual))
    for rows in _filled(lengths, size):
        runs = [list(run) for _, run in groupby(rows, key=lengths.__getitem__)]
        batches = [batch_of(subject, encoded, split.labels, run, lengths[run[0]]) for run in runs]
        yield _pack(shell, batches, dtype)


def _usual_size(device: torch.device, dtype: torch.dtype) -> int:
    if device.type != "cuda" and dtype is torch.float32:
        return REFERENCE_PACK
    return PACK.get(device.type, PACK["cpu"])


def _even(lengths: Sequence[int], size: int) -> int:
    """The smallest size of a pack that needs no more packs: all but the first equally full."""
    count = sum(1 for _ in _filled(lengths, size))
    share = -(-sum(lengths) // count)
    smaller = range(-(-share // ROUND) * ROUND, size, ROUND)
    return next((n for n in smaller if sum(1 for _ in _filled(lengths, n)) <= count), size)


def _filled(lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """Rows of each pack, by length, half as much in the first; a sentence longer than a pack has one to itself."""
    rows: list[int] = []
    used, room = 0, size // 2
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if rows and used + lengths[row] > room:
            yield rows
            rows, used, room = [], 0, size
        rows.append(row)
        used += lengths[row]
    if rows:
        yield rows


def _pack(shell: Shell, runs: Sequence[Batch], dtype: torch.dtype) -> Pack:
    spans: list[Span] = []
    start = 0
    for batch in runs:
        spans.append(Span(start, *batch.inputs["input_ids"].shape))
        start = spans[-1].stop
    states = [shell.embed(batch.inputs).flatten(0, 1).to(dtype) for batch in runs]
    rest = states[0].new_zeros(-start % ROUND, states[0].shape[1])
    hidden = torch.cat([*states, rest])
    return Pack(
        rows=torch.cat([batch.rows for batch in runs]),
        labels=torch.cat([batch.labels for batch in runs]),
        spans=tuple(spans),
        first=torch.cat([torch.arange(s.start, s.stop, s.length) for s in spans]).to(hidden.device),
        hidden=hidden,
        ids=tuple(batch.inputs["input_ids"] for batch in runs),
    )
