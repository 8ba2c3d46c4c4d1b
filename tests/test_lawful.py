from __future__ import annotations

from analysis.anatomy import Anatomy
from analysis.lawful import whole_groups


def anatomy(groups: tuple[int, ...]) -> Anatomy:
    return Anatomy("llama", heads=(6, 4), head_size=8, hidden_size=48, groups=groups)


def test_a_head_brings_those_that_share_its_key_value_head() -> None:
    found = whole_groups(anatomy((2, 4)), [(0, 4), (1, 2)])
    assert found == ((0, 3), (0, 4), (0, 5), (1, 2))


def test_heads_with_keys_of_their_own_come_alone() -> None:
    assert whole_groups(anatomy(()), [(1, 3), (0, 0)]) == ((0, 0), (1, 3))
