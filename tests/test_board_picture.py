from __future__ import annotations

from xml.etree import ElementTree

import pytest
import torch

from analysis.mask import HeadMask
from analysis.ui import board_picture
from analysis.ui.sprites import sprite
from analysis.ui.switchboard import Colouring

SVG = "{http://www.w3.org/2000/svg}"
MASK = HeadMask(((True, False, True), (True, True)))
COLOURING = Colouring("<b>entropy</b>", [[0.0, 1.0, None], [0.5, 1.0]], 0.0, 1.0, ("#000000",))


def drawn(**how) -> ElementTree.Element:
    return ElementTree.fromstring(board_picture.picture(MASK, **how))


def fills(root: ElementTree.Element) -> list[str | None]:
    return [each.get("fill") for each in root.findall(f"{SVG}rect")]


def test_a_board_is_saved_on_white_with_its_colours_and_off_heads_hatched() -> None:
    root = drawn(colouring=COLOURING)
    assert fills(root)[0] == "#ffffff"
    assert fills(root).count("url(#off)") == 1
    assert board_picture.UNKNOWN in fills(root)
    assert "off: L0.H1" in root.find(f"{SVG}title").text
    assert "<b>entropy</b>" in [each.text for each in root.findall(f"{SVG}text")]


def test_a_board_without_colours_is_saved_too() -> None:
    assert fills(drawn()).count(board_picture.PLAIN) == MASK.heads_total


def test_thumbnails_are_one_image_and_what_no_head_has_is_white() -> None:
    layers = [torch.rand(3, 5, 5), torch.rand(2, 5, 5)]
    root = drawn(sprite=sprite(layers), colouring=COLOURING)
    (image,) = root.findall(f"{SVG}image")
    assert image.get("href").startswith("data:image/png;base64,")
    step = float(image.get("width")) / 3
    assert float(image.get("height")) == pytest.approx(2 * step)
    widths = [float(each.get("width")) for each in root.findall(f"{SVG}rect")[1:3]]
    assert widths == pytest.approx([0, step])


def test_the_table_has_a_row_for_every_head_with_its_number() -> None:
    table = board_picture.numbers(MASK, COLOURING)
    assert table["on"].tolist() == [True, False, True, True, True]
    assert table["<b>entropy</b>"].tolist()[3:] == [0.5, 1.0]
    assert list(board_picture.numbers(MASK)) == ["layer", "head", "on"]


def test_the_table_of_maps_has_every_weight() -> None:
    layers = [torch.rand(3, 2, 2), torch.rand(2, 2, 2)]
    table = board_picture.weights(layers, ["a", "a"])
    assert list(table.columns) == ["layer", "head", "query", "0 a", "1 a"]
    assert len(table) == 5 * 2
    last = table[(table["layer"] == 1) & (table["head"] == 1)][["0 a", "1 a"]].to_numpy()
    assert torch.equal(torch.tensor(last), layers[1][1])
