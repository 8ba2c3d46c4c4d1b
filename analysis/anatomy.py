"""Find the heads of a model: its attention modules, their projections, and which rows are whose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from analysis.errors import ModelError, unknown
from analysis.families import FAMILIES, Family, Place
from analysis.quantised import is_quantised


@dataclass(frozen=True)
class Anatomy:
    """How many heads a model has, and how large they are.

    A layer here is one attention module: a decoder layer that attends to itself and to an encoder counts
    as two, and a layer that runs at several depths as one.
    """

    family: str
    """`model_type` of the family."""
    heads: tuple[int, ...]
    """Heads of each layer; layers differ once heads have been removed."""
    head_size: int
    """Width of one head's output, in numbers a token."""
    hidden_size: int
    """Width of the residual stream, in numbers a token."""
    groups: tuple[int, ...] = ()
    """Key/value heads of each layer; several query heads may share one."""
    titles: tuple[str, ...] = ()
    """What to call each layer: `layer 3`, or `decoder 3, cross`."""
    depths: int = 1
    """Depths at which every layer runs with the same weights; 1 in all families but ALBERT."""
    fixed: str = ""
    """Why heads can be switched off but not removed; empty where they can be."""

    @property
    def layers(self) -> int:
        """Number of layers."""
        return len(self.heads)

    @property
    def heads_total(self) -> int:
        """Number of heads in all layers."""
        return sum(self.heads)

    @property
    def stacks(self) -> tuple[str, ...]:
        """The titles of the layers where there are several kinds, as in an encoder and its decoder; else nothing."""
        return self.titles if len({title.split()[0] for title in self.titles}) > 1 else ()

    @property
    def note(self) -> str:
        """A sentence on what a mask means in this model, where that needs one; else empty."""
        if self.depths > 1:
            return (
                f"The same weights run at {self.depths * self.layers} depths: "
                "a head that is switched off or removed is gone at all of them."
            )
        if self.fixed:
            return f"Heads can be switched off, not removed: {self.fixed}."
        if any(
            groups and groups < heads
            for groups, heads in zip(self.groups, self.heads, strict=False)
        ):
            return (
                "Heads that share one key/value head are switched together on the switchboard: such a group can "
                "be removed as a whole, or the same number of heads in every group."
            )
        return ""


@dataclass(frozen=True, eq=False)
class Site:
    """One attention module of a model."""

    place: Place
    owner: Any
    """The layer that it is part of."""
    title: str

    @property
    def attention(self) -> Any:
        """The module that calls the attention function."""
        return part(self.owner, self.place.attention)

    @property
    def output(self) -> Any:
        """The output projection."""
        return part(self.owner, self.place.output)

    @property
    def inner_output(self) -> str:
        """Name of the output projection inside the attention module; empty where it stands outside."""
        inside = self.place.output.removeprefix(f"{self.place.attention}.")
        return "" if inside == self.place.output else inside

    @cached_property
    def projections(self) -> tuple[str, ...]:
        """Paths of all projections that exist, output last."""
        paths = (*self.place.query, *self.place.key, self.place.output)
        return tuple(path for path in paths if has_part(self.owner, path))

    @property
    def head_size(self) -> int:
        """Width of a head's output."""
        return int(getattr(self.attention, self.place.size))

    @property
    def heads(self) -> int:
        """Number of (query) heads."""
        return int(matrix(self.output).shape[1]) // self.head_size

    @property
    def groups(self) -> int:
        """Number of key/value heads."""
        if self.place.layout != "separate":
            return self.heads
        rows = matrix(part(self.owner, self.place.key[0])).shape[0]
        return int(rows) // self.head_size

    def rows(self, path: str, heads: Sequence[int]) -> Tensor:
        """Numbers of the rows of a projection (columns of the output projection) that belong to some heads.

        A key/value head belongs to every head of its group.
        """
        size = self.head_size
        if path == self.place.output:
            return _spread(heads, size)
        if self.place.layout == "interleaved":
            return _spread(heads, 3 * size)
        if self.place.layout == "blocks":
            rows = _spread(heads, size)
            return torch.cat([rows + block * self.heads * size for block in range(3)])
        if path in self.place.query:
            return _spread(heads, size)
        share = max(self.heads // max(self.groups, 1), 1)
        return _spread(sorted({head // share for head in heads}), size)


def family_of(model: nn.Module) -> Family:
    """The family of a transformers model.

    Raises:
        ModelError: the family is not supported.
    """
    model_type = str(getattr(getattr(model, "config", None), "model_type", type(model).__name__))
    if model_type not in FAMILIES:
        raise ModelError(unknown("model family", model_type, FAMILIES))
    return FAMILIES[model_type]


def sites_of(model: nn.Module) -> list[Site]:
    """The model's attention modules in the order in which they run."""
    base: Any = getattr(model, "base_model", model)
    stacks: dict[str, list[Place]] = {}
    for place in family_of(model).places:
        stacks.setdefault(place.layers, []).append(place)
    sites = [
        Site(place, layer, place.title.format(number))
        for path, places in stacks.items()
        for number, layer in enumerate(_parts(base, path))
        for place in places
    ]
    if not sites:
        raise ModelError(f"{type(model).__name__} has no layers with attention heads")
    return sites


def layers_of(model: nn.Module) -> list[nn.Module]:
    """The module of transformers that each layer's attention is part of, from the input upwards."""
    return [site.owner for site in sites_of(model)]


def attentions_of(model: nn.Module) -> list[Any]:
    """The modules that call the attention function, one a layer."""
    return [site.attention for site in sites_of(model)]


def outputs_of(model: nn.Module) -> list[Any]:
    """The output projections, one a layer; see `matrix` for their weights."""
    return [site.output for site in sites_of(model)]


def matrix(projection: Any) -> Tensor:
    """The weights of a projection as `[outputs, inputs]`, whichever way round the family stores them.

    In an output projection, columns `h * head_size : (h + 1) * head_size` belong to head `h`. Of quantised weights
    these are the numbers that they stand for.
    """
    if is_quantised(projection):
        numbers: Tensor = projection.weight().dequantize()
        return numbers
    return projection.weight.T if isinstance(projection, Conv1D) else projection.weight


def positions_of(model: nn.Module) -> int | None:
    """Tokens that the model has positions for, or None when its config states no limit."""
    config: Any = model.config
    positions = getattr(config, "max_position_embeddings", None)
    if positions and family_of(model).skips_positions:
        positions -= (config.pad_token_id or 0) + 1
    return positions or None


def dissect(model: nn.Module) -> Anatomy:
    """Read a model's anatomy off its modules.

    Raises:
        ModelError: the family is not supported.
    """
    family = family_of(model)
    sites = sites_of(model)
    config: Any = model.config
    shared = any("*" in place.layers for place in family.places)
    return Anatomy(
        family=family.model_type,
        heads=tuple(site.heads for site in sites),
        head_size=sites[0].head_size,
        hidden_size=int(matrix(sites[0].output).shape[0]),
        groups=tuple(site.groups for site in sites),
        titles=tuple(site.title for site in sites),
        depths=int(config.num_hidden_layers) // config.num_hidden_groups if shared else 1,
        fixed=family.fixed,
    )


def part(module: Any, path: str) -> Any:
    """The submodule at a dotted path; numbers count in lists."""
    for name in path.split("."):
        module = module[int(name)] if name.isdigit() else attrgetter(name)(module)
    return module


def has_part(module: Any, path: str) -> bool:
    """Whether there is a submodule at a dotted path."""
    try:
        part(module, path)
    except (AttributeError, IndexError):
        return False
    return True


def set_part(module: Any, path: str, new: nn.Module) -> None:
    """Put a submodule at a dotted path."""
    parent, _, name = path.rpartition(".")
    setattr(part(module, parent) if parent else module, name, new)


def _parts(module: Any, path: str) -> Iterator[Any]:
    """The modules of a list at a path in which `*` stands for every entry; none where it leads nowhere."""
    before, star, after = path.partition(".*.")
    if not has_part(module, before):
        return
    for entry in part(module, before):
        if star:
            yield from _parts(entry, after)
        else:
            yield entry


def _spread(units: Sequence[int], width: int) -> Tensor:
    starts = torch.tensor(list(units), dtype=torch.long)
    return (starts[:, None] * width + torch.arange(width)).flatten()
