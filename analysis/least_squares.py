"""Linear least squares with a ridge, from sums that are gathered batch by batch."""

from __future__ import annotations

import torch
from torch import Tensor


class NormalEquations:
    """Sums over tokens from which the linear map of `x` closest to `y` follows; float64.

    Matrix products of one batch are taken in float32 and added in float64: their rounding, some 1e-7 of the
    diagonal, is far below any ridge.
    """

    def __init__(self, inputs: int, outputs: int, device: torch.device) -> None:
        self.n = 0
        options = {"dtype": torch.float64, "device": device}
        self.xx = torch.zeros(inputs, inputs, **options)  # type: ignore[call-overload]
        self.xy = torch.zeros(inputs, outputs, **options)  # type: ignore[call-overload]
        self.x = torch.zeros(inputs, **options)  # type: ignore[call-overload]
        self.y = torch.zeros(outputs, **options)  # type: ignore[call-overload]
        self.yy = 0.0

    def add(self, x: Tensor, y: Tensor) -> None:
        """Add the tokens of a batch, `x` `[tokens, inputs]` and `y` `[tokens, outputs]`."""
        self.n += len(x)
        self.xx += (x.T @ x).double()
        self.xy += (x.T @ y).double()
        self.x += x.sum(0, dtype=torch.float64)
        self.y += y.sum(0, dtype=torch.float64)
        self.yy += float(y.double().square().sum())

    def solve(self, ridge: float) -> tuple[Tensor, Tensor, float, float]:
        """The map `y ~ W x + b` that minimises the squared error plus `ridge * mean diag(X'X) * |W|^2`.

        `X` is centred, so that the bias is not penalised.

        Returns:
            `W` `[outputs, inputs]`, `b` `[outputs]`, and the squared error of a token before (`|y|^2`) and
            after, mean over tokens.
        """
        n = max(self.n, 1)
        mean_x, mean_y = self.x / n, self.y / n
        centred_y = max(self.yy / n - float(mean_y.square().sum()), 0.0)
        if not len(mean_x):
            return self.xy.T, mean_y, self.yy / n, centred_y
        xx = self.xx / n - torch.outer(mean_x, mean_x)
        xy = self.xy / n - torch.outer(mean_x, mean_y)
        damped = xx.clone()
        # The second term keeps features that never vary from making the matrix singular.
        damped.diagonal().add_(ridge * float(xx.diagonal().mean()) + 1e-10)
        weights = torch.cholesky_solve(xy, torch.linalg.cholesky(damped))
        after = centred_y - float((weights * (2 * xy - xx @ weights)).sum())
        return weights.T, mean_y - weights.T @ mean_x, self.yy / n, max(after, 0.0)
