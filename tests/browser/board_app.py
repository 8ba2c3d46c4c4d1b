"""A switchboard of any size without a model, for the tests: `?layers=80&heads=64&groups=64&pictures=on&stacks=on`."""

from __future__ import annotations

import streamlit as st

from analysis.mask import HeadMask
from analysis.ui.switchboard import Colouring, reported_mask, switchboard


class Shape:
    """What has heads."""

    def __init__(self, layers: int, heads: int) -> None:
        self.heads = (heads,) * layers


def number(name: str, default: int) -> int:
    """A whole number of the link."""
    return int(st.query_params.get(name, default))


shape = Shape(number("layers", 3), number("heads", 4))
st.session_state.setdefault("mask", HeadMask.full(shape))


def take() -> None:
    """Take over what was clicked."""
    st.session_state.mask = reported_mask("board", shape, 0) or st.session_state.mask


values = [
    [(layer + head) % 7 / 7 for head in range(count)] for layer, count in enumerate(shape.heads)
]
picture = None
if "pictures" in st.query_params:
    import torch

    from analysis.ui.sprites import sprite

    picture = sprite([torch.rand(count, 8, 8) for count in shape.heads])
switchboard(
    st.session_state.mask,
    key="board",
    revision=0,
    on_report=take,
    colouring=Colouring("Number", values, 0, 1, ["#440154", "#fde725"]),
    sprite=picture,
    groups=(number("groups", shape.heads[0]),) * len(shape.heads),
    repaired=[(0, 1)],
    titles=[f"decoder {layer}" for layer in range(len(shape.heads))]
    if "stacks" in st.query_params
    else [],
)
st.text(f"off: {st.session_state.mask.heads_total - st.session_state.mask.heads_on}")
