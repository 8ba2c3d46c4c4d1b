"""The training loop: batches by length, AdamW, a linear warm-up and decay, nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional


@dataclass(frozen=True)
class Examples:
    """Token numbers of each text, and the probability of each class, `[texts, classes]`."""

    ids: Sequence[Sequence[int]]
    targets: np.ndarray


def encode(tokenizer, texts: Sequence[str], length: int) -> list[list[int]]:
    """Token numbers of each text, with [CLS] and [SEP], cut at `length`."""
    return tokenizer(list(texts), truncation=True, max_length=length)["input_ids"]


def padded(rows: Sequence[Sequence[int]], device: torch.device) -> dict[str, torch.Tensor]:
    """One batch, padded on the right to a multiple of 8."""
    width = -(-max(map(len, rows)) // 8) * 8
    ids = np.zeros((len(rows), width), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, tokens in enumerate(rows):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    return {
        "input_ids": torch.from_numpy(ids).to(device),
        "attention_mask": torch.from_numpy(mask).to(device),
    }


def probabilities(
    network: nn.Module, ids: Sequence[Sequence[int]], device: torch.device, exact: bool = False
) -> np.ndarray:
    """Class probabilities `[texts, classes]`; `exact` computes in float32 on any device."""
    network.eval()
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    result = np.zeros((len(ids), 2), dtype=np.float32)
    with torch.inference_mode(), contextlib.nullcontext() if exact else mixed(device):
        for start in range(0, len(order), 256):
            rows = order[start : start + 256]
            logits = network(**padded([ids[row] for row in rows], device)).logits
            result[rows] = logits.float().softmax(-1).cpu().numpy()
    return result


def accuracy(
    network: nn.Module, examples: Examples, device: torch.device, exact: bool = False
) -> float:
    """Share of examples whose most probable class is the labelled one."""
    predicted = probabilities(network, examples.ids, device, exact).argmax(1)
    return float((predicted == examples.targets.argmax(1)).mean())


def mixed(device: torch.device) -> contextlib.AbstractContextManager:
    """bfloat16 where it is quicker, on a GPU."""
    return (
        torch.autocast("cuda", torch.bfloat16)
        if device.type == "cuda"
        else contextlib.nullcontext()
    )


class Trainer:
    """Trains what requires a gradient in `network`."""

    def __init__(
        self, network: nn.Module, rate: float, batch: int, seed: int, device: torch.device
    ) -> None:
        torch.manual_seed(seed)
        self.network, self.rate, self.batch, self.device = network, rate, batch, device
        self.random = np.random.default_rng(seed)

    def classify(
        self, examples: Examples, epochs: int, after: Callable[[], object] | None = None
    ) -> None:
        """Cross-entropy against the target probabilities."""

        def loss(rows: np.ndarray) -> torch.Tensor:
            batch = padded([examples.ids[row] for row in rows], self.device)
            target = torch.from_numpy(examples.targets[rows]).to(self.device)
            return functional.cross_entropy(self.network(**batch).logits.float(), target)

        self._train(examples.ids, epochs, loss, self.network.parameters(), after)

    def masked_language(
        self, windows: Sequence[Sequence[int]], epochs: int, mask_token: int
    ) -> float:
        """Masked language modelling with a new head on tied embeddings; the last epoch's loss."""
        encoder, width = self.network.distilbert, self.network.config.dim
        head = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        head.to(self.device)
        table = encoder.embeddings.word_embeddings.weight

        def loss(rows: np.ndarray) -> torch.Tensor:
            batch = padded([windows[row] for row in rows], self.device)
            ids, draw = batch["input_ids"], torch.rand(batch["input_ids"].shape, device=self.device)
            # [PAD], [UNK], [CLS], [SEP] and [MASK] have the numbers below 104.
            chosen = (draw < 0.15) & (ids >= 104)
            hidden = torch.where(chosen & (draw < 0.12), mask_token, ids)
            stray = torch.randint_like(ids, 104, table.shape[0])
            hidden = torch.where(chosen & (draw >= 0.12) & (draw < 0.135), stray, hidden)
            states = encoder(hidden, batch["attention_mask"]).last_hidden_state
            logits = functional.linear(head(states[chosen]), table)
            return functional.cross_entropy(logits.float(), ids[chosen])

        parameters = [*encoder.parameters(), *head.parameters()]
        return self._train(windows, epochs, loss, parameters)

    def _train(self, ids, epochs, loss, parameters, after=None) -> float:
        parameters = [parameter for parameter in parameters if parameter.requires_grad]
        optimizer = torch.optim.AdamW(
            parameters, self.rate, weight_decay=0.01, fused=self.device.type == "cuda"
        )
        steps = epochs * -(-len(ids) // self.batch)
        if not steps:
            return float("nan")
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _warm_up_and_decay(steps))
        for _ in range(epochs):
            self.network.train()
            total = torch.zeros((), device=self.device)
            for rows in self._batches(ids):
                with mixed(self.device):
                    value = loss(rows)
                value.backward()
                nn.utils.clip_grad_norm_(parameters, 1.0)
                optimizer.step()
                optimizer.zero_grad()
                schedule.step()
                total += value.detach()
            if after:
                after()
        self.network.eval()
        return float(total) * epochs / steps

    def _batches(self, ids: Sequence[Sequence[int]]) -> Iterator[np.ndarray]:
        """Batches of similar lengths in random order: neighbours by length, among 50 batches' rows."""
        order = self.random.permutation(len(ids))
        lengths = np.array([len(row) for row in ids])
        batches = []
        for start in range(0, len(order), 50 * self.batch):
            rows = order[start : start + 50 * self.batch]
            rows = rows[np.argsort(lengths[rows], kind="stable")]
            batches += [rows[at : at + self.batch] for at in range(0, len(rows), self.batch)]
        return iter([batches[at] for at in self.random.permutation(len(batches))])


def _warm_up_and_decay(steps: int) -> Callable[[int], float]:
    warm = max(1, steps * 6 // 100)
    return lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))
