from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis import head_figures
from analysis.intervals import Z
from analysis.statistics import STATISTICS


@pytest.fixture
def table() -> pd.DataFrame:
    heads = [(layer, head) for layer in range(2) for head in range(3)]
    frame = pd.DataFrame(heads, columns=["layer", "head"])
    frame["entropy"], frame["distance"] = np.linspace(0.1, 0.6, 6), np.linspace(10, 5, 6)
    frame["entropy_se"], frame["distance_se"] = 0.01, np.nan
    return frame


def test_every_head_is_a_dot_in_every_row_between_the_lowest_and_the_highest(table) -> None:
    rows = [STATISTICS["entropy"], STATISTICS["distance"]]
    others, marked = head_figures.strips(table, rows, (1, 0)).data
    assert len(others.x) == 2 * 5
    assert (min(others.x), max(others.x)) == (0, 1)
    assert list(marked.x) == pytest.approx([0.6, 0.4])
    assert list(marked.y) == [0, 1]
    assert marked.name == "L1.H0"
    assert list(marked.error_x.array) == pytest.approx([Z * 0.01 / 0.5, 0])


def test_heads_of_one_value_are_drawn_and_do_not_divide_by_zero(table) -> None:
    table["entropy"] = 0.4
    others, marked = head_figures.strips(table, [STATISTICS["entropy"]], (0, 1)).data
    assert set(others.x) == {0} == set(marked.x)


def test_a_gallery_has_a_map_for_each_title_on_its_own_scale() -> None:
    maps = {f"map {number}": np.eye(3) * number / 10 for number in range(1, 8)}
    tokens = {title: ["<b>", "a", "b"] for title in maps}
    figure = head_figures.gallery(maps, tokens)
    assert [trace.zmax for trace in figure.data] == pytest.approx([n / 10 for n in range(1, 8)])
    assert list(figure.data[0].x) == list(figure.data[0].y) == ["0 &lt;b&gt;", "1 a", "2 b"]
    assert figure.data[0].hovertemplate.startswith("%{y} → %{x}: ")
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "category"
    assert [note.text for note in figure.layout.annotations] == list(maps)


def test_ten_long_maps_are_light_and_their_largest_weights_are_seen() -> None:
    n, seen = 512, np.full((512, 512), 1 / 512)
    seen[511, 3] = 0.9
    titles = [f"sentence {number}" for number in range(10)]
    tokens = {title: [f"token{place % 7}" for place in range(n)] for title in titles}
    figure = head_figures.gallery(dict.fromkeys(titles, seen), tokens)
    assert len(figure.to_json()) < 3_000_000
    drawn = figure.data[0]
    assert drawn.z.shape == (171, 171)
    assert drawn.z[170, 1] == pytest.approx(0.9)
    assert drawn.y[170] == "510 token6 … 511 token0"
    assert len(set(drawn.x)) == 171


def test_titles_are_plain_text() -> None:
    figure = head_figures.gallery({"<script>": np.eye(2)})
    assert figure.layout.annotations[0].text == "&lt;script&gt;"


def test_a_pattern_goes_from_start_to_end() -> None:
    figure = head_figures.pattern(np.full((24, 24), 1 / 24))
    assert list(figure.layout.xaxis.ticktext) == ["start", "end"]
    assert figure.layout.yaxis.autorange == "reversed"
