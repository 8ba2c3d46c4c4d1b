"""A model's layers run one at a time over some batches, so that a layer can be changed before the next runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from analysis.anatomy import part, sites_of


@dataclass(frozen=True)
class Link:
    """Stands for the output of an earlier call."""

    call: int


@dataclass(frozen=True, eq=False)
class Call:
    """One run of a layer as a forward pass of the full model made it."""

    owner: int
    """Which layer, in the order of their first calls."""
    given: tuple[Any, ...]
    named: dict[str, Any]

    def needs(self) -> set[int]:
        """The calls whose outputs it reads."""
        values = (*self.given, *self.named.values())
        return {value.call for value in values if isinstance(value, Link)}

    def run(self, layer: Any, outputs: Mapping[int, Tensor]) -> Tensor:
        """Run a layer in this call's place on the outputs of earlier calls."""
        named = {name: _filled(value, outputs) for name, value in self.named.items()}
        return states(layer(*(_filled(value, outputs) for value in self.given), **named))

    def entering(self, outputs: Mapping[int, Tensor]) -> Tensor:
        """The hidden states that the layer is called with."""
        value = self.given[0] if self.given else self.named["hidden_states"]
        return _filled(value, outputs)


@dataclass(frozen=True, eq=False)
class Recording:
    """The layer calls of one batch."""

    calls: tuple[Call, ...]
    real: Tensor | None
    """Which tokens are not padding, flat; None when all are real."""

    def kept(self, tokens: Tensor) -> Tensor | slice:
        """What picks the real tokens out of a tensor of all tokens, flat."""
        return slice(None) if self.real is None or len(self.real) != len(tokens) else self.real


class Enough(Exception):
    """Raised from a hook when what was looked for has been seen: the rest of the layer is not run."""


def states(output: Any) -> Tensor:
    """The hidden states among a layer's outputs."""
    return output[0] if isinstance(output, tuple) else output


def owners_of(model: Any) -> list[Any]:
    """The distinct layers that hold attention, in order."""
    return list({id(site.owner): site.owner for site in sites_of(model)}.values())


def record_all(model: Any, batches: Sequence[Mapping[str, Tensor]]) -> list[Recording]:
    """How each layer is called on each batch, without the states between layers.

    Only the first batch is really computed; after it layers hand on what enters them, since their calls do
    not depend on the values that pass between them.

    Args:
        model: the model; its layers are changed for a moment, so nobody else may hold it.
        batches: inputs of the model.
    """
    owners = owners_of(model)
    tails: dict[int, Any] = {}

    def note(number: int) -> Callable[..., None]:
        def hook(_: Any, __: Any, output: Any) -> None:
            tails[number] = output[1:] if isinstance(output, tuple) else None

        return hook

    hooks = [owner.register_forward_hook(note(number)) for number, owner in enumerate(owners)]
    recordings = [_record(model, inputs) for inputs in batches[:1]]
    for hook in hooks:
        hook.remove()
    for number, owner in enumerate(owners):
        owner.forward = _handing_on(tails[number])
    try:
        return recordings + [_record(model, inputs) for inputs in batches[1:]]
    finally:
        for owner in owners:
            del owner.forward


def _handing_on(tail: tuple[Any, ...] | None) -> Callable[..., Any]:
    def forward(*given: Any, **named: Any) -> Any:
        states = (given[0] if given else named["hidden_states"]).clone()
        return states if tail is None else (states, *tail)

    return forward


@torch.inference_mode()
def _record(model: Any, inputs: Mapping[str, Tensor]) -> Recording:
    owners = owners_of(model)
    calls: list[Call] = []
    made: dict[int, int] = {}
    alive: list[Tensor] = []  # an id stays unique only while its tensor lives

    def linked(value: Any) -> Any:
        return Link(made[id(value)]) if isinstance(value, Tensor) and id(value) in made else value

    def after(number: int) -> Callable[..., None]:
        def hook(_: Any, given: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
            named = {name: linked(value) for name, value in named.items()}
            made[id(states(output))] = len(calls)
            alive.append(states(output))
            calls.append(Call(number, tuple(map(linked, given)), named))

        return hook

    hooks = [
        owner.register_forward_hook(after(number), with_kwargs=True)
        for number, owner in enumerate(owners)
    ]
    options = {"use_cache": False} if _caches(model) else {}
    try:
        model(**inputs, **options)
    finally:
        for hook in hooks:
            hook.remove()
    mask = inputs.get("attention_mask")
    real = None if mask is None or bool(mask.all()) else mask.bool().flatten()
    return Recording(tuple(calls), real)


@dataclass(frozen=True)
class Point:
    """A projection of a layer, and where the residual stream is read after its output was added."""

    projection: str
    """Path of the projection in the layer."""
    stream: str
    """Path of the norm that reads the stream; empty for the end of the layer."""


@dataclass(eq=False)
class Sight:
    """What was seen of one point in the runs of a layer, one tensor `[tokens, features]` a run."""

    inputs: list[Tensor] = field(default_factory=list)
    streams: list[Tensor] = field(default_factory=list)


def points_of(model: Any) -> list[list[Point]]:
    """The projections of each distinct layer that write to the residual stream, in order."""
    points: dict[int, list[Point]] = {}
    last: dict[int, Point] = {}
    for site in sites_of(model):
        place = site.place
        points.setdefault(id(site.owner), []).append(Point(place.output, place.stream))
        if place.feed_forward:
            last[id(site.owner)] = Point(place.feed_forward, place.end)
    return [[*found, *filter(None, [last.get(owner)])] for owner, found in points.items()]


def look(
    layer: Any, points: Sequence[Point], run: Callable[[], Any], *, stop: bool = False
) -> list[Sight]:
    """Run a layer and keep what enters each point's projection and the stream after it.

    Args:
        layer: the layer.
        points: where to look.
        run: runs the layer, once or at several depths.
        stop: leave the run when the last point's stream has been seen.
    """
    sights = [Sight() for _ in points]

    def keep(into: list[Tensor], last: bool = False) -> Callable[..., None]:
        def hook(_: Any, given: tuple[Any, ...], output: Any = None) -> None:
            into.append((given[0] if output is None else states(output)).flatten(0, -2))
            if last and stop:
                raise Enough

        return hook

    hooks = []
    for number, (point, sight) in enumerate(zip(points, sights, strict=True)):
        last = number == len(points) - 1
        projection = part(layer, point.projection)
        hooks.append(projection.register_forward_pre_hook(keep(sight.inputs)))
        if point.stream:
            norm = part(layer, point.stream)
            hooks.append(norm.register_forward_pre_hook(keep(sight.streams, last)))
        else:
            hooks.append(layer.register_forward_hook(keep(sight.streams, last)))
    try:
        with suppress(Enough):
            run()
    finally:
        for hook in hooks:
            hook.remove()
    return sights


def last_uses(calls: Sequence[Call]) -> dict[int, int]:
    """For each call the last one that reads its output."""
    return {needed: number for number, call in enumerate(calls) for needed in call.needs()}


def unread(
    number: int, recordings: Sequence[Recording], states: Sequence[dict[int, Tensor]]
) -> None:
    """Drop outputs that no layer above `number` reads, by batch."""
    for recording, known in zip(recordings, states, strict=False):
        uses = last_uses(recording.calls)
        for call in list(known):
            reader = uses.get(call)
            if reader is None or recording.calls[reader].owner <= number:
                del known[call]


def _filled(value: Any, outputs: Mapping[int, Tensor]) -> Any:
    return outputs[value.call] if isinstance(value, Link) else value


def _caches(model: Any) -> bool:
    return "use_cache" in inspect.signature(model.forward).parameters
