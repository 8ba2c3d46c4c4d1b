"""One head's attention map on a canvas: smooth for hundreds of tokens, with every weight under the pointer."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import streamlit as st

from analysis.figures import DIFFERENCE, MAGNITUDE
from analysis.ui.sprites import sprite

_FOLDER = Path(__file__).parent
_HTML = """
<div class="mapview">
  <div class="stage">
    <canvas class="map"></canvas>
    <canvas class="cross" tabindex="0" role="application" aria-roledescription="attention map"></canvas>
  </div>
  <div class="told" role="status"></div>
  <div class="legend">
    attention <span class="low"></span> <span class="bar"></span> <span class="high"></span>
    <span class="zoom">
      <button type="button" class="in" aria-label="Zoom in">+</button>
      <button type="button" class="out" aria-label="Zoom out">−</button>
    </span>
  </div>
</div>
"""
HINT = "Point at the map, or focus it and press the arrow keys, to read a weight; + and − zoom."
LABELLED = 64
"""Tokens up to which a saved picture names them."""

_component = st.components.v2.component(
    "headcount.mapview",
    html=_HTML,
    css=(_FOLDER / "mapview.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "mapview.js").read_text(encoding="utf-8"),
)


def mapview(
    weights: np.ndarray,
    tokens: Sequence[str],
    *,
    key: str,
    label: str,
    is_difference: bool = False,
) -> None:
    """Draw one map; rows look, columns are looked at.

    Args:
        weights: `[query, key]`.
        tokens: names of both sides; they are drawn and written as plain text, whatever they contain.
        key: session key of the component.
        label: name of the map for screen readers.
        is_difference: draw around zero in two colours.
    """
    far = max(float(np.abs(weights).max(initial=0)), 1e-6)
    shares = (weights / far + 1) / 2 if is_difference else weights / far
    levels = np.round(65535 * shares.clip(0, 1)).astype("<u2")
    data = {
        "tokens": [printable(token) for token in tokens],
        "levels": base64.b64encode(levels.tobytes()).decode(),
        "scale": list(DIFFERENCE if is_difference else MAGNITUDE),
        "places": {
            "far": far,
            "isDifference": is_difference,
            "low": f"−{far:.2f}" if is_difference else "0",
            "high": f"{far:.2f}",
        },
        "label": label,
        "hint": HINT,
    }
    _component(key=key, data=data)


def svg(weights: np.ndarray, tokens: Sequence[str], *, is_difference: bool = False) -> str:
    """The same map as a picture that can be saved; short texts carry their tokens."""
    import torch

    n = len(tokens)
    size = max(1, 640 // n) if n <= LABELLED else 640 / n
    edge = 110 if n <= LABELLED else 0
    side = edge + size * n
    image = sprite([torch.from_numpy(weights)[None]], is_difference=is_difference, side=n)
    labels = []
    for place, token in enumerate(tokens if n <= LABELLED else ()):
        middle, text = edge + (place + 0.5) * size, escape(printable(token))
        labels.append(f'<text x="{edge - 5}" y="{middle}" text-anchor="end">{text}</text>')
        turned = f'transform="translate({middle} {edge - 5}) rotate(-60)"'
        labels.append(f"<text {turned}>{text}</text>")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side + 40}" height="{side}" '
        f'font-family="sans-serif" font-size="{min(12, size):.1f}" dominant-baseline="middle">'
        f'<rect width="100%" height="100%" fill="#fff"/><image href="{image}" x="{edge}" y="{edge}" '
        f'width="{side - edge}" height="{side - edge}" style="image-rendering:pixelated"/>'
        f"{''.join(labels)}</svg>"
    )


def printable(token: str) -> str:
    """A token as one line of signs that can be drawn."""
    return "".join(sign if sign.isprintable() else "·" for sign in token) or "·"
