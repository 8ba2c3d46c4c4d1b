from __future__ import annotations

import contextlib
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import MaskError
from analysis.mask import HeadMask, name, parse_heads

ANATOMY = SimpleNamespace(heads=(12,) * 6)

rows = st.lists(st.booleans(), max_size=20).map(tuple)
masks = st.lists(rows, min_size=1, max_size=8).map(tuple).map(HeadMask)


@given(masks)
def test_decode_inverts_encode(mask):
    assert HeadMask.decode(mask, mask.encode()) == mask


@given(masks)
def test_off_of_the_off_heads_is_the_mask(mask):
    assert HeadMask.off(mask, mask.off_heads) == mask


@given(masks)
def test_on_and_off_heads_are_a_partition(mask):
    everything = {(layer, head) for layer, row in enumerate(mask.rows) for head in range(len(row))}
    assert set(mask.on_heads) | set(mask.off_heads) == everything
    assert set(mask.on_heads).isdisjoint(mask.off_heads)
    assert mask.heads_on == len(mask.on_heads)
    assert mask.heads_total == len(everything) == sum(mask.heads)
    assert mask.is_full == (mask.off_heads == ())


@given(masks, st.data())
def test_toggling_twice_changes_nothing(mask, data):
    if not mask.heads_total:
        return
    layer, head = data.draw(st.sampled_from(mask.on_heads + mask.off_heads))
    once = mask.toggled(layer, head)
    assert once != mask
    assert once.toggled(layer, head) == mask


@given(masks)
def test_equal_masks_have_equal_hashes_(mask):
    twin = HeadMask.decode(mask, mask.encode())
    assert hash(twin) == hash(mask)
    assert mask == twin


@given(st.text(max_size=30))
def test_any_text_is_a_mask_of_the_model_or_refused(text):
    with contextlib.suppress(MaskError):
        assert HeadMask.decode(ANATOMY, text).heads == ANATOMY.heads


def test_the_example_of_the_documentation():
    off = [(0, 0), *[(2, head) for head in range(12)]]
    assert HeadMask.off(ANATOMY, off).encode() == "1.0.fff.0.0.0"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0.0", "has 2 layers, the model has 6"),
        ("", "has 1 layers, the model has 6"),
        ("0.0.0.0.0.1000", "layer 5 of the mask names heads past the 12"),
        ("0.0.0.0.0.x", "not a hexadecimal number"),
        ("0.0.0.0.0.-1", "not a hexadecimal number"),
        ("0.0.0.0.0.0x1", "not a hexadecimal number"),
        ("0.0.0.0.0.", "not a hexadecimal number"),
        ("0.0.0.0.0.٣", "not a hexadecimal number"),
        ("f" * 100_000, "has 1 layers"),
        ("0.0.0.0.0." + "f" * 100_000, "not a hexadecimal number"),
    ],
)
def test_a_wrong_code_is_refused(text, says):
    with pytest.raises(MaskError, match=says) as error:
        HeadMask.decode(ANATOMY, text)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("head", [(9, 9), (6, 0), (0, 12), (-1, 0), (0, -1)])
def test_a_head_that_the_model_lacks_is_refused(head):
    for change in (
        lambda: HeadMask.off(ANATOMY, [head]),
        lambda: HeadMask.full(ANATOMY).switched([head], on=True),
        lambda: HeadMask.full(ANATOMY).toggled(*head),
    ):
        with pytest.raises(MaskError, match=r"there is no (layer|head) .*(0 to 5|0 to 11)"):
            change()


def test_a_head_of_an_empty_layer_is_refused_in_words():
    with pytest.raises(MaskError, match="layer 0 has no heads"):
        HeadMask(((), (True,))).toggled(0, 0)


@pytest.mark.parametrize(
    ("text", "heads"),
    [
        ("", ()),
        (" , ", ()),
        ("0.3,2.7", ((0, 3), (2, 7))),
        (" L0.H3 , l2.h7,", ((0, 3), (2, 7))),
        ("0.3,0.3", ((0, 3), (0, 3))),
        ("10.11", ((10, 11),)),
    ],
)
def test_heads_are_read(text, heads):
    assert parse_heads(text) == heads


@pytest.mark.parametrize("text", ["3", "1.2.3", "a.b", "0,3", "-1.2", "0.3;2.7", "L0H3", "9" * 999])
def test_what_is_no_list_of_heads_is_refused_with_an_example(text):
    with pytest.raises(MaskError, match=r"such as 0\.3,2\.7") as error:
        parse_heads(text)
    assert len(str(error.value)) < 200


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99))))
def test_names_of_heads_are_read_back(heads):
    assert parse_heads(",".join(map(name, heads))) == tuple(heads)


def test_a_mask_of_another_shape_is_refused():
    full = HeadMask.full(ANATOMY)
    full.check(ANATOMY)
    for heads in ((12,) * 5, (12,) * 7, (12, 12, 12, 12, 12, 1), (1,) * 6):
        with pytest.raises(MaskError, match=r"the mask has .* the model has"):
            HeadMask.full(SimpleNamespace(heads=heads)).check(ANATOMY)
