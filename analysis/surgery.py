"""Really remove heads: a smaller model that answers exactly as the masked one does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from analysis import lawful
from analysis.anatomy import Site, dissect, matrix, part, set_part, sites_of
from analysis.errors import MaskError, ModelError, PlanError
from analysis.mask import HeadMask
from analysis.models import Subject, structural_copy
from analysis.plan import Plan
from analysis.portable import bypass, projection
from analysis.quantised import is_quantised


def prune(subject: Subject, mask: HeadMask | Plan) -> Subject:
    """A new subject without the heads that are off; the given one is not changed.

    The rows of the query, key and value projections and the columns of the output projection that belong
    to a removed head are gone; a layer without heads adds its output projection's bias and computes
    nothing. Everything else shares its memory with the original. Logits equal those of the masked model
    (`zero` ablation) to rounding.

    Args:
        subject: the model; heads are counted as it has them, also when some were removed before.
        mask: which heads stay, or a plan that says so.

    Raises:
        PlanError: the plan is of another model.
        MaskError: the mask is of another model, or keeps other heads than whole key/value groups or equal
            numbers in each; the sentence names the nearest masks that can be removed.
        ModelError: heads of this family cannot be removed, or its layers share weights.
    """
    mask = mask_of(subject, mask)
    if mask.is_full:
        return subject
    check_removable(subject, mask)
    model = structural_copy(subject.model)
    for site, row in zip(sites_of(model), mask.rows, strict=True):
        if not all(row):
            _remove(site, [head for head, on in enumerate(row) if on])
    return replace(
        subject,
        name=f"{subject.name}, {mask.heads_on} of {mask.heads_total} heads",
        model=model,
        anatomy=dissect(model),
    )


def mask_of(subject: Subject, mask: HeadMask | Plan) -> HeadMask:
    """The mask of a plan that was made for this model, or the mask that was given.

    Raises:
        PlanError: the plan is of another model.
        MaskError: the mask is of another model.
    """
    if isinstance(mask, Plan):
        if mask.fingerprint != subject.fingerprint:
            raise PlanError(
                f"the plan {mask.name!r} was made for another model ({mask.model}, weights "
                f"{mask.fingerprint[:12]}), not for {subject.name} ({subject.fingerprint[:12]})"
            )
        mask = mask.mask
    if mask.heads != subject.anatomy.heads:
        raise MaskError(
            f"the mask has {mask.heads} heads a layer, the model {subject.anatomy.heads}"
        )
    return mask


def check_removable(subject: Subject, mask: HeadMask) -> None:
    """Refuse what cannot be removed.

    Raises:
        MaskError: unlawful groups.
        ModelError: a family that is gate only, quantised projections, or layers that share weights.
    """
    anatomy = subject.anatomy
    if anatomy.fixed:
        raise ModelError(
            f"heads of {anatomy.family} can be switched off, not removed: {anatomy.fixed}. "
            "Export with padding instead, which sets their weights to 0"
        )
    _check_not_quantised(subject)
    lawful.check(anatomy, mask)
    owners: dict[int, str] = {}
    for site in sites_of(subject.model):
        weights = {part(site.owner, path).weight.data_ptr() for path in site.projections}
        for pointer in weights - {0}:  # an empty weight has no address
            if owners.setdefault(pointer, site.title) != site.title:
                raise ModelError(
                    f"{site.title} and {owners[pointer]} share attention weights, so heads of one cannot be "
                    "removed without the other's; give each layer its own weights first"
                )


def _check_not_quantised(subject: Subject) -> None:
    for site in sites_of(subject.model):
        for path in site.projections:
            if is_quantised(part(site.owner, path)):
                raise ModelError(
                    f"{path} of {site.title} is quantised, so heads can be switched off and scored, not removed; "
                    "remove them from the model in float32 and quantise what is left"
                )


def _remove(site: Site, kept: Sequence[int]) -> None:
    rows = {path: site.rows(path, kept) for path in site.projections}
    group = site.heads // max(site.groups, 1)
    left = sorted({head // group for head in kept})
    for path, numbers in rows.items():
        old = part(site.owner, path)
        set_part(site.owner, path, cut(old, numbers, columns=path == site.place.output))
    module = site.attention
    for count in site.place.counts:
        setattr(module, count, len(kept))
    for width in site.place.widths:
        setattr(module, width, len(kept) * site.head_size)
    if not kept and not site.place.adds_residual:
        bypass(module, site.inner_output)
    if site.place.ratio:
        setattr(module, site.place.ratio, len(kept) // max(len(left), 1) or 1)


def cut(old: Any, numbers: torch.Tensor, *, columns: bool) -> torch.nn.Module:
    """A projection of the same kind with some of its rows (outputs), or columns (inputs), only."""
    weight = matrix(old)
    numbers = numbers.to(weight.device)
    if columns:
        return projection(old, weight[:, numbers].contiguous(), old.bias)
    return projection(old, weight[numbers], None if old.bias is None else old.bias[numbers])


def corrected(old: Any, weight: torch.Tensor | None, bias: torch.Tensor) -> torch.nn.Module:
    """A projection with corrections added to its weights and its bias; one without a bias gets one.

    Args:
        old: the projection.
        weight: what is added, `[outputs, inputs]`; None for nothing.
        bias: what is added, `[outputs]`.
    """
    now = matrix(old)
    before = old.bias if old.bias is not None else torch.zeros_like(bias, dtype=now.dtype)
    return projection(
        old,
        (now if weight is None else (now.double() + weight).to(now.dtype)).contiguous(),
        (before.double() + bias).to(now.dtype),
    )
