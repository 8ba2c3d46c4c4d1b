"""What a product of weights costs as PyTorch multiplies, and as this package does."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from analysis.anatomy import part, sites_of
from analysis.passes.packs import REFERENCE_PACK
from analysis.passes.products import Product
from benchmarks.figures import ratio, timed

ROUNDS = 20
"""Products of each kind in a repeat, in turns."""


@torch.inference_mode()
def products(subject, repeats):
    """Ratio of the largest product of a layer in float32, PyTorch's own (MKL) over oneDNN's; nothing on a GPU."""
    if subject.device.type != "cpu":
        return []
    site = sites_of(subject.model)[0]
    linear = part(site.owner, site.place.expand)
    weight, bias = linear.weight.float(), linear.bias.float()
    states = torch.randn(REFERENCE_PACK, linear.in_features)
    quick = Product(weight, bias)
    rival, own = [], []
    for _ in range(repeats + 1):
        pairs = [
            (timed(lambda: F.linear(states, weight, bias))[0], timed(lambda: quick(states))[0])
            for _ in range(ROUNDS)
        ]
        rival.append(sum(first for first, _ in pairs))
        own.append(sum(second for _, second in pairs))
    detail = f"{REFERENCE_PACK} x {linear.in_features} by {linear.out_features}"
    return [ratio("a product in float32, oneDNN against MKL", rival[1:], own[1:], detail)]
