"""The attention page draws the maps that its switches ask for."""

from __future__ import annotations

import numpy as np
import pytest

from analysis import maps
from analysis.ui import mapview

OFF = "f.0.0"
TEXT = "the film was very good ."


@pytest.fixture
def drawn(monkeypatch):
    """The large maps that the page has drawn: weights, tokens, and whether they are changes."""
    maps: list[tuple[np.ndarray, tuple[str, ...], bool]] = []
    draw = mapview.mapview

    def recorded(weights, tokens, *, is_difference=False, **how) -> None:
        maps.append((weights, tuple(tokens), is_difference))
        draw(weights, tokens, is_difference=is_difference, **how)

    monkeypatch.setattr(mapview, "mapview", recorded)
    return maps


def choose(opened, **choices: str):
    """Use the page's own switches."""
    for name, value in choices.items():
        kind = "segmented_control" if name == "maps" else "toggle"
        widget = opened.box(f"choice_{name}", kind)
        widget.set_value(value if name == "maps" else value == "on")
    return opened.run().settle()


def test_the_map_under_the_mask_and_the_difference_are_drawn(tab, drawn) -> None:
    opened = tab(off=OFF, head="1.2", text=TEXT).visit("attention")
    full, tokens, _ = drawn[-1]
    choose(opened, maps="masked")
    masked, _, is_difference = drawn[-1]
    assert not is_difference
    assert np.abs(masked - full).max() > 0.01
    choose(opened, maps="difference")
    change, same, is_difference = drawn[-1]
    assert is_difference
    assert same == tokens
    np.testing.assert_allclose(change, masked - full, atol=2e-3)
    assert "L1.H2, difference" in opened.said()


def test_special_tokens_are_taken_out_of_the_drawn_map(tab, drawn) -> None:
    opened = tab(text=TEXT).visit("attention")
    full, tokens, _ = drawn[-1]
    assert (tokens[0], tokens[-1]) == ("[CLS]", "[SEP]")
    choose(opened, special="off")
    found, left, _ = drawn[-1]
    assert left == tokens[1:-1]
    np.testing.assert_allclose(found, full[1:-1, 1:-1], atol=1e-6)


def test_tokens_of_one_word_are_merged_in_the_drawn_map(tab, drawn, monkeypatch) -> None:
    two_of_one_word = (None, 0, 1, 1, 2, None)
    monkeypatch.setattr(maps, "words_of", lambda *_: two_of_one_word)
    opened = tab(text="good ,. film").visit("attention")
    full = drawn[-1][0]
    choose(opened, words="on")
    found, words, _ = drawn[-1]
    assert words == ("[CLS]", "good", ",.", "film", "[SEP]")
    np.testing.assert_allclose(found[0, 2], full[0, 2] + full[0, 3], atol=2e-3)
    np.testing.assert_allclose(found[2, 0], (full[2, 0] + full[3, 0]) / 2, atol=2e-3)
