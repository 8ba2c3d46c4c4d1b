"""States are kept within a budget, and the right ones give way."""

from __future__ import annotations

import torch

from analysis.passes.memory import Memory

SIZE = 4 * 10


def state(value: float = 0.0):
    return (torch.full((10,), value),)


def test_what_was_put_is_got_back():
    memory = Memory(10 * SIZE)
    memory.put("a", 1, state(3.0))
    assert torch.equal(memory.get("a", 1)[0], torch.full((10,), 3.0))
    assert memory.get("a", 2) is None
    assert memory.get("b", 1) is None


def test_the_budget_is_never_passed():
    memory = Memory(3 * SIZE)
    for key in range(10):
        memory.put("a", key, state(), pinned=key % 2 == 0)
        assert memory.used <= memory.budget
        assert memory.used == len(memory) * SIZE


def test_the_state_that_was_not_used_for_longest_gives_way():
    memory = Memory(2 * SIZE)
    memory.put("a", 1, state())
    memory.put("a", 2, state())
    memory.get("a", 1)
    memory.put("a", 3, state())
    assert memory.get("a", 1) is not None
    assert memory.get("a", 2) is None


def test_pinned_states_stay_before_loose_ones_and_before_their_own_owners():
    memory = Memory(2 * SIZE)
    memory.put("a", 1, state(), pinned=True)
    memory.put("a", 2, state(), pinned=True)
    memory.put("a", 3, state(), pinned=True)
    memory.put("b", 4, state())
    assert memory.get("a", 1) is not None
    assert memory.get("a", 3) is None
    assert memory.get("b", 4) is None


def test_another_owner_is_not_locked_out_by_what_one_has_pinned():
    memory = Memory(2 * SIZE)
    memory.put("a", 1, state(), pinned=True)
    memory.put("a", 2, state(), pinned=True)
    memory.put("b", 1, state(), pinned=True)
    assert memory.get("b", 1) is not None
    assert memory.get("a", 2) is not None


def test_no_budget_keeps_nothing():
    memory = Memory(0)
    memory.put("a", 1, state(), pinned=True)
    assert len(memory) == 0
