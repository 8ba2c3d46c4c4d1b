"""Which masks can be removed where several heads share one key/value head.

Attention spreads the heads that are left evenly over the key/value heads that are left. So a group of heads
can go as a whole, with its key/value head, and the groups that stay must keep the same number of heads.
"""

from __future__ import annotations

from collections.abc import Iterable

from analysis.anatomy import Anatomy
from analysis.errors import MaskError
from analysis.mask import Head, HeadMask

Row = tuple[bool, ...]


def check(anatomy: Anatomy, mask: HeadMask) -> None:
    """Refuse a mask whose heads cannot be removed.

    Raises:
        MaskError: a layer keeps different numbers of heads in its groups; the sentence names the nearest
            masks that can be removed, one with fewer and one with more heads.
    """
    for layer, (row, groups) in enumerate(zip(mask.rows, anatomy.groups, strict=True)):
        counts = _counts(row, groups)
        if len(set(counts) - {0}) > 1:
            fewer, more = nearest(anatomy, mask)
            further, back = _written(mask, fewer), _written(more, mask)
            raise MaskError(
                f"layer {layer} keeps {', '.join(map(str, counts))} heads in its {groups} key/value groups of "
                f"{len(row) // groups}; a group can go as a whole, or every group that stays keeps the same "
                f"number. The nearest masks that can be removed: {fewer.encode()} with {fewer.heads_on} heads "
                f"(switch off {further} too) and {more.encode()} with {more.heads_on} (leave {back} on), instead "
                f"of {mask.heads_on}"
            )


def nearest(anatomy: Anatomy, mask: HeadMask) -> tuple[HeadMask, HeadMask]:
    """The lawful masks closest to a mask that switch heads only off, and only on."""
    layers = list(zip(mask.rows, anatomy.groups, strict=True))
    return (
        HeadMask(tuple(_fewer(row, groups) for row, groups in layers)),
        HeadMask(tuple(_more(row, groups) for row, groups in layers)),
    )


def whole_groups(anatomy: Anatomy, heads: Iterable[Head]) -> tuple[Head, ...]:
    """These heads with all that share a key/value head with one of them, by layer, then head."""
    groups = anatomy.groups or anatomy.heads
    found: set[Head] = set()
    for layer, head in heads:
        share = max(1, anatomy.heads[layer] // max(groups[layer], 1))
        first = head - head % share
        found.update((layer, member) for member in range(first, first + share))
    return tuple(sorted(found))


def _fewer(row: Row, groups: int) -> Row:
    """Switch off as few heads as possible: groups keep `n` heads each, or none if they have fewer."""
    counts = _counts(row, groups)
    if not any(counts):
        return row
    best = max(set(counts) - {0}, key=lambda n: (n * sum(count >= n for count in counts), n))
    return _joined(_first(part, best if sum(part) >= best else 0) for part in _split(row, groups))


def _more(row: Row, groups: int) -> Row:
    """Switch on as few heads as possible: every group with a head gets as many as the fullest."""
    most = max(_counts(row, groups), default=0)
    return _joined(_filled(part, most) if any(part) else part for part in _split(row, groups))


def _written(larger: HeadMask, smaller: HeadMask) -> str:
    """The heads that are on in one mask and off in another, as `--off` takes them."""
    heads = [head for head in larger.on_heads if head not in set(smaller.on_heads)]
    shown = ",".join(f"{layer}.{head}" for layer, head in heads[:12])
    return shown if len(heads) <= 12 else f"{shown} and {len(heads) - 12} more"


def _counts(row: Row, groups: int) -> list[int]:
    return [sum(part) for part in _split(row, groups)]


def _split(row: Row, groups: int) -> list[Row]:
    if not groups:
        return []
    share = len(row) // groups
    return [row[start : start + share] for start in range(0, len(row), share)]


def _first(part: Row, count: int) -> Row:
    return tuple(on and sum(part[:head]) < count for head, on in enumerate(part))


def _filled(part: Row, count: int) -> Row:
    missing = count - sum(part)
    heads = [head for head, on in enumerate(part) if not on][:missing]
    return tuple(on or head in heads for head, on in enumerate(part))


def _joined(parts: Iterable[Row]) -> Row:
    return tuple(on for part in parts for on in part)
