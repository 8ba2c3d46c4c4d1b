"""Which heads are on: the value that travels from a click to a forward pass, a link and a file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from analysis.errors import MaskError

Head = tuple[int, int]
"""A head is (layer, head), both counted from 0 and written `L3.H7`."""


class HasHeads(Protocol):
    """Anything that knows how many heads each layer has, such as an `Anatomy`."""

    @property
    def heads(self) -> tuple[int, ...]:
        """Heads of each layer."""
        ...


@dataclass(frozen=True)
class HeadMask:
    """Which heads are on. Frozen and hashable, so it can be a cache key; layers may differ in size."""

    rows: tuple[tuple[bool, ...], ...]
    """`rows[layer][head]` is True where the head is on."""

    @classmethod
    def full(cls, anatomy: HasHeads) -> HeadMask:
        """All heads on."""
        return cls(tuple((True,) * count for count in anatomy.heads))

    @classmethod
    def off(cls, anatomy: HasHeads, heads: Iterable[Head]) -> HeadMask:
        """All heads on but the named ones.

        Raises:
            MaskError: a head does not exist in this model.
        """
        return cls.full(anatomy).switched(heads, on=False)

    @classmethod
    def decode(cls, anatomy: HasHeads, text: str) -> HeadMask:
        """Read `encode`'s form back.

        Raises:
            MaskError: the text is not such a code or is of a model with other heads.
        """
        codes = text.strip().split(".")
        if len(codes) != len(anatomy.heads):
            raise MaskError(
                f"the mask {_short(text)!r} has {len(codes)} layers, the model has {len(anatomy.heads)}"
            )
        return cls(
            tuple(
                _decode_row(code, layer, count)
                for layer, (code, count) in enumerate(zip(codes, anatomy.heads, strict=True))
            )
        )

    def encode(self) -> str:
        """The mask for a link: one hexadecimal number a layer, bit `h` set where head `h` is off.

        >>> HeadMask(((True, False), (True, True))).encode()
        '2.0'
        """
        return ".".join(
            format(sum(1 << head for head, on in enumerate(row) if not on), "x")
            for row in self.rows
        )

    def switched(self, heads: Iterable[Head], on: bool) -> HeadMask:
        """A copy with the named heads on or off.

        Raises:
            MaskError: a head does not exist in this mask.
        """
        rows = [list(row) for row in self.rows]
        for layer, head in heads:
            self._check(layer, head)
            rows[layer][head] = on
        return HeadMask(tuple(tuple(row) for row in rows))

    def toggled(self, layer: int, head: int) -> HeadMask:
        """A copy with one head switched over."""
        self._check(layer, head)
        return self.switched([(layer, head)], on=not self.rows[layer][head])

    @property
    def heads(self) -> tuple[int, ...]:
        """Heads of each layer, on or off: a mask has the shape of its model."""
        return tuple(len(row) for row in self.rows)

    @property
    def heads_total(self) -> int:
        """Number of heads, on or off."""
        return sum(self.heads)

    @property
    def heads_on(self) -> int:
        """Number of heads that are on."""
        return sum(sum(row) for row in self.rows)

    @property
    def on_heads(self) -> tuple[Head, ...]:
        """The heads that are on, by layer, then head."""
        return self._where(True)

    @property
    def off_heads(self) -> tuple[Head, ...]:
        """The heads that are off, by layer, then head."""
        return self._where(False)

    @property
    def is_full(self) -> bool:
        """True when every head is on."""
        return self.heads_on == self.heads_total

    def check(self, anatomy: HasHeads) -> None:
        """Refuse a mask that was made for a model with other heads.

        Raises:
            MaskError: layers or heads of a layer differ in number.
        """
        if self.heads != tuple(anatomy.heads):
            raise MaskError(
                f"the mask has {_counts(self.heads)}, the model has {_counts(anatomy.heads)}"
            )

    def _where(self, wanted: bool) -> tuple[Head, ...]:
        return tuple(
            (layer, head)
            for layer, row in enumerate(self.rows)
            for head, on in enumerate(row)
            if on is wanted
        )

    def _check(self, layer: int, head: int) -> None:
        if not 0 <= layer < len(self.rows):
            raise MaskError(
                f"there is no layer {layer}: the model has layers 0 to {len(self.rows) - 1}"
            )
        if not self.rows[layer]:
            raise MaskError(f"there is no head {layer}.{head}: layer {layer} has no heads left")
        if not 0 <= head < len(self.rows[layer]):
            raise MaskError(
                f"there is no head {layer}.{head}: layer {layer} has heads 0 to {len(self.rows[layer]) - 1}"
            )


def name(head: Head) -> str:
    """The written form of a head: `L3.H7`."""
    return f"L{head[0]}.H{head[1]}"


def parse_heads(text: str) -> tuple[Head, ...]:
    """Read a list such as `0.3, L2.H7` into heads; an empty text names none.

    Raises:
        MaskError: a part is not of the form layer.head.
    """
    heads = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        match = re.fullmatch(r"[Ll]?(\d{1,4})\.[Hh]?(\d{1,4})", part)
        if match is None:
            raise MaskError(
                f"cannot read {_short(part)!r} as a head; write layer.head, such as 0.3,2.7"
            )
        heads.append((int(match[1]), int(match[2])))
    return tuple(heads)


def _counts(heads: tuple[int, ...]) -> str:
    """`6 layers of 12 heads`, or the count of each layer where they differ."""
    if len(set(heads)) == 1:
        return f"{len(heads)} layers of {heads[0]} heads"
    return f"{len(heads)} layers of {', '.join(map(str, heads))} heads"


def _decode_row(code: str, layer: int, count: int) -> tuple[bool, ...]:
    if not re.fullmatch(r"[0-9a-fA-F]{1,64}", code):
        raise MaskError(
            f"layer {layer} of the mask is {_short(code)!r}, which is not a hexadecimal number"
        )
    bits = int(code, 16)
    if bits >> count:
        raise MaskError(
            f"layer {layer} of the mask names heads past the {count} that the model has"
        )
    return tuple(not bits >> head & 1 for head in range(count))


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
