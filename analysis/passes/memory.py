"""Tensors kept for reuse within a budget of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

from torch import Tensor

State = tuple[Tensor, ...]


class Memory:
    """States by owner and key; when the budget is spent, the ones that were not used for longest give way.

    Pinned states give way last, and never to states of their own owner: a scan over more than fits would
    otherwise push out each state just before it is needed. Safe to use from several threads.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        """Bytes that may be kept."""
        self.used = 0
        """Bytes that are kept."""
        self._states: OrderedDict[tuple[Hashable, Hashable], tuple[State, bool]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, owner: Hashable, key: Hashable) -> State | None:
        """The state of that key, or None when it is not (or no longer) kept."""
        with self._lock:
            if (owner, key) not in self._states:
                return None
            self._states.move_to_end((owner, key))
            return self._states[owner, key][0]

    def put(self, owner: Hashable, key: Hashable, state: State, *, pinned: bool = False) -> None:
        """Keep a state if the budget allows it."""
        size = _bytes(state)
        with self._lock:
            if (owner, key) in self._states or not self._make_room(size, owner, pinned):
                return
            self._states[owner, key] = (state, pinned)
            self.used += size

    def __len__(self) -> int:
        return len(self._states)

    def _make_room(self, size: int, owner: Hashable, for_pinned: bool) -> bool:
        loose = [key for key, (_, pinned) in self._states.items() if not pinned]
        others = [
            key for key, (_, pinned) in self._states.items() if pinned and key[0] is not owner
        ]
        for key in loose + (others if for_pinned else []):
            if self.used + size <= self.budget:
                break
            self.used -= _bytes(self._states.pop(key)[0])
        return self.used + size <= self.budget


def _bytes(state: State) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in state)
