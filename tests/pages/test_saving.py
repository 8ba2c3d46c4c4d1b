"""Every picture that is drawn can be taken away, with the numbers behind it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from analysis.ui import figure


@pytest.fixture
def saved(monkeypatch) -> dict:
    """What the page offers to save: name, picture and table, by the key."""
    found: dict = {}

    def save(picture, table, name, *, key) -> None:
        found[key] = name, picture(), table() if callable(table) else table

    monkeypatch.setattr(figure, "save", save)
    return found


def check(found: tuple) -> None:
    name, picture, table = found
    assert name
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert len(table)


@pytest.mark.parametrize(
    ("cells", "rows", "columns"),
    [
        ({}, 12, 4),
        ({"cells": "patterns"}, 12 * 24, 3 + 24),
        ({"cells": "patterns", "whose": "text", "text": "the film"}, 12 * 4, 3 + 4),
    ],
)
def test_the_switchboard_is_saved_as_it_is_drawn(tab, saved, cells, rows, columns) -> None:
    tab(off="1.0.3", **cells).visit("prune")
    check(saved["board_save"])
    _, picture, table = saved["board_save"]
    assert table.shape == (rows, columns)
    assert ("<image" in picture) == bool(cells)
    assert picture.count('fill="url(#off)"') == 3


def test_the_board_of_all_maps_is_saved_beside_the_large_one(tab, saved) -> None:
    tab(text="the film").visit("attention")
    assert set(saved) == {"atlas_save", "large_save"}
    check(saved["atlas_save"])
    assert saved["atlas_save"][2].shape == (12 * 4, 3 + 4)


@pytest.mark.parametrize("step", "12345")
def test_every_picture_of_the_presenter_is_saved(tab, saved, step) -> None:
    tab(step=step, text="the film").visit("present")
    check(saved["stage_save"])
