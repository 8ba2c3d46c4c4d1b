"""A model without its layers: what turns tokens into the first hidden states, and the last into answers."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn

from analysis.anatomy import part, sites_of
from analysis.models import Subject, structural_copy


class Shell:
    """The embeddings and the head of a subject, in float32; its weights are the subject's own."""

    def __init__(self, subject: Subject) -> None:
        self._model = structural_copy(subject.model)
        layers = part(self._model.base_model, sites_of(subject.model)[0].place.layers)
        del layers[1:]
        layers[0] = _Gap()

    @torch.inference_mode()
    def embed(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """The hidden states that enter layer 0, `[batch, tokens, hidden]`."""
        seen: list[Tensor] = []
        token = _gap.set(_Hand(seen, None))
        try:
            self._model(**inputs)
        finally:
            _gap.reset(token)
        return seen[0]

    @torch.inference_mode()
    def answer(self, first: Tensor) -> Tensor:
        """Logits `[batch, classes]` from the last layer's output at the first token, `[batch, hidden]`."""
        ids = torch.zeros(len(first), 1, dtype=torch.long, device=first.device)
        token = _gap.set(_Hand([], first[:, None].float()))
        try:
            return self._model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        finally:
            _gap.reset(token)


class _Hand:
    """What a call through the gap leaves behind, and what it finds there."""

    def __init__(self, seen: list[Tensor], given: Tensor | None) -> None:
        self.seen = seen
        self.given = given


_gap: ContextVar[_Hand] = ContextVar("headcount_gap")


class _Gap(nn.Module):
    """Stands where the layers were."""

    def forward(self, hidden: Tensor, *_: Any, **__: Any) -> Tensor:
        hand = _gap.get()
        hand.seen.append(hidden)
        return hidden if hand.given is None else hand.given
