from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis import figures
from analysis.mask import HeadMask
from analysis.statistics import STATISTICS


@pytest.fixture
def table() -> pd.DataFrame:
    heads = [(layer, head) for layer in range(2) for head in range(3)]
    frame = pd.DataFrame(heads, columns=["layer", "head"])
    for name in ("entropy", "distance"):
        frame[name] = np.linspace(0.1, 0.9, len(frame))
        frame[f"{name}_se"] = 0.01
    return frame


@pytest.fixture
def mask() -> HeadMask:
    return HeadMask(((True, False, True), (True, True, True)))


def test_a_head_map_has_a_cell_for_each_head_in_its_place(table) -> None:
    heat = figures.head_map(table, STATISTICS["entropy"]).data[0]
    assert np.shape(heat.z) == (2, 3)
    assert heat.z[1][2] == pytest.approx(0.9)
    assert list(heat.x) == ["H0", "H1", "H2"]
    assert list(heat.y) == ["L0", "L1"]


def test_a_head_map_crosses_out_exactly_the_heads_that_are_off(table, mask) -> None:
    crosses = figures.head_map(table, STATISTICS["entropy"], mask).data[1]
    assert list(zip(crosses.y, crosses.x, strict=True)) == [("L0", "H1")]


def test_numbers_stand_on_the_heads_that_are_on_in_an_ink_that_their_colour_bears(
    table, mask
) -> None:
    traces = figures.head_map(table, STATISTICS["entropy"], mask).data[1:]
    written = {
        (layer, head): (text, trace.textfont.color)
        for trace in traces
        if trace.mode == "text"
        for layer, head, text in zip(trace.y, trace.x, trace.text, strict=True)
    }
    assert ("L0", "H1") not in written
    assert len(written) == 5
    assert written["L0", "H0"] == ("0.10", "#ffffff")
    assert written["L1", "H2"] == ("0.90", "#000000")


@pytest.mark.parametrize("place", np.linspace(0, 1, 41))
def test_every_ink_reaches_the_contrast_that_text_needs(place) -> None:
    from plotly.colors import sample_colorscale, unlabel_rgb

    def luminance(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        return float(np.dot((0.2126, 0.7152, 0.0722), linear))

    cell = luminance([c / 255 for c in unlabel_rgb(sample_colorscale(figures.MAGNITUDE, place)[0])])
    letters = 1.0 if figures.ink(place) == "#ffffff" else 0.0
    bright, dark = max(cell, letters), min(cell, letters)
    assert (bright + 0.05) / (dark + 0.05) >= 4.5


def test_a_layer_with_fewer_heads_leaves_gaps(table) -> None:
    heat = figures.head_map(table.iloc[:-1], STATISTICS["entropy"]).data[0]
    assert np.isnan(heat.z[1][2])


def test_a_scatter_has_a_point_for_each_head(table, mask) -> None:
    figure = figures.scatter(table, STATISTICS["entropy"], STATISTICS["distance"], mask)
    assert sum(len(trace.x) for trace in figure.data) == 6
    assert list(figure.data[0].text) == ["L0.H0", "L0.H1", "L0.H2"]
    assert figure.layout.xaxis.title.text == "Entropy (share of the maximum)"


def test_markup_in_labels_is_drawn_as_text() -> None:
    assert figures.plain("<b>film</b>") == "&lt;b&gt;film&lt;/b&gt;"
    assert figures.plain("\u202e") == "·"
    assert figures.plain("a" * 40) == "a" * 17 + "…"
