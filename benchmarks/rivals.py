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
    def entropies(self):
        """Mean entropy of every head, from collected attention, `[layers, heads]`."""
        rows = []
        for batch in self.batches:
            attentions = self.model(**batch, output_attentions=True).attentions
            weights = torch.stack(attentions, 1).cpu().numpy()  # [batch, layers, heads, query, key]
            real = batch["attention_mask"].bool().cpu().numpy()
            for number, row in enumerate(real):
                n = row.sum()
                some = weights[number, :, :, :n, :n]
                terms = some * np.log(np.clip(some, 1e-12, None))
                rows.append((-terms.sum(-1) / np.log(n)).mean(-1))
        return np.stack(rows).mean(0)

    def _zeroing(self, layer, head):
        start = head * self.head_size

        def zero(_, inputs):
            states = inputs[0].clone()
            states[..., start : start + self.head_size] = 0
            return (states,)

        return outputs_of(self.model)[layer].register_forward_pre_hook(zero)
