"""Kept weights: made once, whole or absent, and made again when they do not read back."""

from __future__ import annotations

import threading

import pytest
import torch

from analysis.demo.kept import kept
from analysis.errors import PlaceError


def weights():
    return {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(4)}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def never():
    raise AssertionError("made although it was kept")


def test_weights_are_made_once(tmp_path):
    path = tmp_path / "w.safetensors"
    assert same(kept(path, weights), weights())
    assert same(kept(path, never), weights())
    assert [file.name for file in tmp_path.iterdir()] == ["w.safetensors"]


@pytest.mark.parametrize("damage", ["emptied", "cut", "garbage", "one bit", "other weights"])
def test_a_damaged_file_is_made_again(tmp_path, damage):
    path = tmp_path / "w.safetensors"
    kept(path, weights)
    raw = path.read_bytes()
    if damage == "other weights":
        from safetensors.torch import save_file

        save_file({"a": torch.zeros(2, 3)}, path)
    else:
        path.write_bytes(
            {
                "emptied": b"",
                "cut": raw[:-3],
                "garbage": b"\xff" * 200,
                "one bit": raw[:-1] + bytes([raw[-1] ^ 1]),
            }[damage]
        )
    assert same(kept(path, weights), weights())
    assert same(kept(path, never), weights())


def test_changing_a_tensor_does_not_change_the_file(tmp_path):
    path = tmp_path / "w.safetensors"
    kept(path, weights)
    kept(path, never)["a"].zero_()
    assert same(kept(path, never), weights())


def test_two_that_make_it_at_once_both_get_it(tmp_path):
    path, together, results = tmp_path / "w.safetensors", threading.Barrier(4), []

    def make():
        together.wait(10)
        return weights()

    threads = [threading.Thread(target=lambda: results.append(kept(path, make))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(results) == 4
    assert all(same(result, weights()) for result in results)
    assert [file.name for file in tmp_path.iterdir()] == ["w.safetensors"]


def test_a_place_that_cannot_be_written_is_named_with_the_way_out(tmp_path):
    with pytest.raises(PlaceError, match="set HEADCOUNT_CACHE"):
        kept(tmp_path / "absent" / "w.safetensors", weights)
