"""What a person would otherwise write: transformers' defaults, one full pass a mask.

File order, batches of 32 padded to their longest text, float32, every head zeroed by a hook on the input of
its output projection; attention collected with `output_attentions=True` and reduced with NumPy.
"""

from __future__ import annotations

import numpy as np
import torch

from analysis.anatomy import outputs_of
from analysis.models import structural_copy

SIZE = 32


class Naive:
    """A model as `from_pretrained` gives it, and the loop around it."""

    def __init__(self, subject, split, attention="sdpa"):
        self.model = structural_copy(subject.model)
        self.model.set_attn_implementation(attention)
        self.head_size = subject.anatomy.head_size
        self.split = split
        self.batches = [
            subject.tokenizer(
                list(split.texts[start : start + SIZE]),
                padding=True,
                truncation=True,
                max_length=subject.max_length,
                return_tensors="pt",
            ).to(subject.device)
            for start in range(0, len(split), SIZE)
        ]

    @torch.no_grad()
    def logits(self, off=()):
        """Logits of all sentences with some heads zeroed, `[n, classes]`."""
        hooks = [self._zeroing(layer, head) for layer, head in off]
        try:
            return torch.cat([self.model(**batch).logits for batch in self.batches]).cpu()
        finally:
            for hook in hooks:
                hook.remove()

    @torch.no_grad()
    def statistics(self, kinds):
        """What attention alone shows of every head, from collected maps, `[statistics, layers, heads]`.

        All statistics of `analysis.statistics` but the output norm, which collected maps do not tell;
        `kinds` are the kinds of every token of the vocabulary, `[vocabulary, 3]`.
        """
        rows = []
        for batch in self.batches:
            attentions = self.model(**batch, output_attentions=True).attentions
            weights = torch.stack(attentions, 1).cpu().numpy()  # [batch, layers, heads, query, key]
            real = batch["attention_mask"].bool().cpu().numpy()
            ids = batch["input_ids"].cpu().numpy()
            for number, row in enumerate(real):
                n = row.sum()
                rows.append(
                    _numpy_statistics(weights[number, :, :, :n, :n], kinds[ids[number, :n]])
                )
        return np.stack(rows).mean(0)

    def _zeroing(self, layer, head):
        start = head * self.head_size

        def zero(_, inputs):
            states = inputs[0].clone()
            states[..., start : start + self.head_size] = 0
            return (states,)

        return outputs_of(self.model)[layer].register_forward_pre_hook(zero)


def _numpy_statistics(p, kinds):
    n = p.shape[-1]
    places = np.arange(n)
    length = np.sqrt((p**2).sum(-1))
    flat = p.reshape(*p.shape[:2], -1)
    flat = flat / np.linalg.norm(flat, axis=-1, keepdims=True)
    cosines = flat @ flat.transpose(0, 2, 1)
    cosines[:, np.arange(p.shape[1]), np.arange(p.shape[1])] = 0
    by_query = [
        -(p * np.log(np.clip(p, 1e-30, None))).sum(-1) / np.log(n),
        (p < 0.1 / n).mean(-1),
        (np.sqrt(n) - 1 / length) / (np.sqrt(n) - 1),
        p.max(-1),
        (p * np.abs(places[None] - places[:, None])).sum(-1),
        *(
            np.pad(np.diagonal(p, step, -2, -1), ((0, 0), (0, 0), (0, abs(step))))
            for step in (0, -1, 1)
        ),
        *(p @ kinds[:, column] for column in range(kinds.shape[1])),
    ]
    return np.stack([*(values.mean(-1) for values in by_query), cosines.max(-1)])
