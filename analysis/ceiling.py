"""The most that removing heads can ever save, whichever heads go: their share of a model."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.anatomy import matrix, part, sites_of
from analysis.cost import cost
from analysis.errors import HeadcountError
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.quantised import bias
from analysis.surgery import prune
from analysis.wording import percent


@dataclass(frozen=True)
class Ceiling:
    """All heads of a model as a share of it."""

    parameters: float
    """Share of the weights that belong to heads, 0 to 1."""
    flops: float | None
    """Share of one batch's operations that go with all heads, 0 to 1; None where heads cannot be removed."""
    length: int
    """Tokens of the texts whose operations were counted."""

    @property
    def sentence(self) -> str:
        """What follows for somebody who removes heads."""
        told = (
            f"On this model all heads of attention are {percent(self.parameters)} of the parameters"
        )
        if self.flops is None:
            return f"{told}; they can be switched off only, which saves nothing."
        return (
            f"{told} and {percent(self.flops)} of the operations at {self.length} tokens, so half of the heads are "
            f"about {percent(self.parameters / 2)} and {percent(self.flops / 2)}; even without any head it would "
            f"have to do {percent(1 - self.flops)} of the work: by operations never more than "
            f"{1 / max(1 - self.flops, 1e-9):.2f} times as fast."
        )


def ceiling(subject: Subject, *, length: int = 128) -> Ceiling:
    """The ceiling of a model as it is.

    Args:
        subject: the model.
        length: tokens of a text; attention's share of the operations grows with it.
    """
    length = min(length, subject.max_length)
    weights = {}
    for site in sites_of(subject.model):
        for path in site.projections:
            projection = part(site.owner, path)
            added = None if path == site.place.output else bias(projection)
            weights[id(projection)] = matrix(projection).numel() + (
                0 if added is None else added.numel()
            )
    return Ceiling(sum(weights.values()) / subject.parameters, _operations(subject, length), length)


def _operations(subject: Subject, length: int) -> float | None:
    full = HeadMask.full(subject.anatomy)
    try:
        bare = prune(subject, full.switched(full.on_heads, on=False))
    except HeadcountError:
        return None
    before, after = (cost(each, batch=1, length=length).flops for each in (subject, bare))
    return 1 - after / before
