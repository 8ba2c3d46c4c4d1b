"""What a smaller model's config must say about it, and the check of what a stranger's config says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from analysis.anatomy import matrix, part, sites_of
from analysis.errors import ModelError
from analysis.outline import REMOVED
from analysis.portable import Bypassed

KEY = REMOVED
"""Attribute of the config that holds the sizes."""
VERSION = 1
"""Version of the form; another one is refused, not guessed at."""


def sizes_of(model: nn.Module) -> dict[str, Any]:
    """The sizes of all projections of attention and what else differs from the config; see `portable.resize`."""
    names = {id(module): name for name, module in model.named_modules()}
    projections: dict[str, list[int]] = {}
    attributes: dict[str, dict[str, int]] = {}
    bypassed: dict[str, str] = {}
    for site in sites_of(model):
        inner = [(site.owner, path) for path in site.projections]
        if site.place.feed_forward:
            inner.append((site.owner, site.place.feed_forward))
        for owner, path in inner:
            module = part(owner, path)
            shape = [int(size) for size in matrix(module).shape]
            projections[names[id(module)]] = [*shape, int(module.bias is not None)]
        module = site.attention
        wanted = (*site.place.counts, *site.place.widths, *filter(None, [site.place.ratio]))
        values = {name: int(getattr(module, name)) for name in wanted}
        if values:
            attributes[names[id(module)]] = values
        if isinstance(module, Bypassed):
            bypassed[names[id(module)]] = module.bypassed_output
    return {"projections": projections, "attributes": attributes, "bypassed": bypassed}


def stated(config: Any) -> Mapping[str, Any] | None:
    """What a config says about its heads having been removed; None for an ordinary model.

    Raises:
        ModelError: it says something that this version cannot read.
    """
    content = getattr(config, KEY, None)
    if content is None:
        return None
    if not isinstance(content, Mapping) or content.get("version") != VERSION:
        raise ModelError(
            f"the config's part {KEY!r} is not of version {VERSION}; the model was written by another version"
        )
    return content


def check(model: nn.Module, sizes: Any) -> None:
    """Refuse sizes that name other parts than projections of attention, or ones larger than the config's.

    Args:
        model: the model as its config describes it, before its projections are made smaller.
        sizes: what the config says; untrusted.

    Raises:
        ModelError: see above.
    """
    whole = sizes_of(model)
    if not isinstance(sizes, Mapping) or set(sizes) != set(whole):
        raise ModelError("the config does not say which sizes the projections have; it is damaged")
    for kind in whole:
        if not isinstance(sizes[kind], Mapping):
            raise ModelError(f"the config's {kind} are not readable; it is damaged")
    for path, shape in sizes["projections"].items():
        known = whole["projections"].get(path)
        fits = known and isinstance(shape, list) and len(shape) == 3
        if not fits or not all(
            isinstance(size, int) and 0 <= size <= limit
            for size, limit in zip(shape, [*known[:2], 1], strict=True)
        ):
            raise ModelError(f"the config gives {path!r} the size {shape}, which cannot be")
    for path, values in sizes["attributes"].items():
        allowed = whole["attributes"].get(path, {})
        if not isinstance(values, Mapping) or not all(
            name in allowed and isinstance(value, int) and 0 <= value <= allowed[name]
            for name, value in values.items()
        ):
            raise ModelError(f"the config sets {values} on {path!r}, which cannot be")
    names = {id(module): name for name, module in model.named_modules()}
    inner = {names[id(site.attention)]: site.inner_output for site in sites_of(model)}
    for path, output in sizes["bypassed"].items():
        if path not in inner or inner[path] != output:
            raise ModelError(f"the config bypasses {path!r}, which is no attention module")
