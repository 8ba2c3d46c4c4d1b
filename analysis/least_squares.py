"""Linear least squares with a ridge, from sums that are gathered batch by batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from analysis.passes.products import times_transposed

FLUSHED = 16_384
"""Tokens after which sums move from float32 to float64."""
BLOCK = 768
"""Columns of a block: of the symmetric matrix only the blocks on and above the diagonal are computed."""


@dataclass(frozen=True)
class Solution:
    """The linear map `y ~ W x + b` that was solved for."""

    weight: Tensor
    """`[outputs, inputs]`, float64."""
    bias: Tensor
    """`[outputs]`, float64."""
    before: float
    """Squared error of a token with the map 0, `|y|^2`; mean over tokens."""
    after: float
    """The same with this map."""


class NormalEquations:
    """Sums over tokens from which the linear map of `x` closest to `y` follows.

    Products are taken and added in float32 for some thousands of tokens, and such sums are added in float64:
    their rounding, some 1e-6 of the diagonal, is far below any ridge.
    """

    def __init__(self, inputs: int, outputs: int, device: torch.device) -> None:
        self.n = 0
        self._fresh = 0
        self._blocks = range(0, inputs, BLOCK)
        self._xx = torch.zeros(inputs, inputs, device=device)
        self._xy = torch.zeros(inputs, outputs, device=device)
        wide = {"dtype": torch.float64, "device": device}
        self.xx = torch.zeros(inputs, inputs, **wide)  # type: ignore[call-overload]
        self.xy = torch.zeros(inputs, outputs, **wide)  # type: ignore[call-overload]
        self.x = torch.zeros(inputs, **wide)  # type: ignore[call-overload]
        self.y = torch.zeros(outputs, **wide)  # type: ignore[call-overload]
        self.yy = 0.0

    def add(self, x: Tensor, y: Tensor) -> None:
        """Add the tokens of a batch, `x` `[tokens, inputs]` and `y` `[tokens, outputs]`."""
        self.n += len(x)
        self._fresh += len(x)
        across = x.T.contiguous()
        for row in self._blocks:
            rows = slice(row, row + BLOCK)
            self._xx[rows, row:].add_(times_transposed(across[rows], across[row:]))
        self._xy.add_(times_transposed(across, y.T))
        self.x += x.sum(0, dtype=torch.float64)
        self.y += y.sum(0, dtype=torch.float64)
        self.yy += float(y.square().sum(dtype=torch.float64))
        if self._fresh >= FLUSHED:
            self._flush()

    def solve(self, ridge: float) -> Solution:
        """The map that minimises the squared error plus `ridge * mean diag(X'X) * |W|^2`.

        `X` is centred, so that the bias is not penalised.
        """
        self._flush()
        n = max(self.n, 1)
        mean_x, mean_y = self.x / n, self.y / n
        centred_y = max(self.yy / n - float(mean_y.square().sum()), 0.0)
        if not len(mean_x):
            return Solution(self.xy.T, mean_y, self.yy / n, centred_y)
        damped = self.xx.triu() + self.xx.triu(1).T
        damped.div_(n).sub_(torch.outer(mean_x, mean_x))
        xy = self.xy / n - torch.outer(mean_x, mean_y)
        # The second term keeps features that never vary from making the matrix singular.
        pull = ridge * float(damped.diagonal().mean()) + 1e-10
        damped.diagonal().add_(pull)
        weights = torch.cholesky_solve(xy, torch.linalg.cholesky(damped))
        # xx W = xy - pull W, so that the error needs no further product of matrices.
        after = centred_y - float((weights * (xy + pull * weights)).sum())
        return Solution(weights.T, mean_y - weights.T @ mean_x, self.yy / n, max(after, 0.0))

    def _flush(self) -> None:
        if self._fresh:
            self.xx += self._xx
            self.xy += self._xy
            self._xx.zero_()
            self._xy.zero_()
            self._fresh = 0
