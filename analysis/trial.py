"""One sentence under several masks: what the model would answer, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.attention import Ablation, Means
from analysis.batches import batch_of, encode
from analysis.evaluation import logits
from analysis.mask import HeadMask
from analysis.models import Subject

Tried = tuple[HeadMask, Ablation]
"""A mask and what its heads that are off contribute."""


def trial(
    subject: Subject, text: str, tried: Mapping[str, Tried], means: Means | None = None
) -> dict[str, tuple[float, ...]]:
    """Probability of each label under each of some masks, 0 to 1, in float32.

    Args:
        subject: the model.
        text: cut at the model's length.
        tried: masks by name.
        means: the heads' mean outputs, needed where an ablation is `mean`.

    Raises:
        MaskError: a mask is of another model.
        MethodError: an unknown ablation, or `mean` without means.
    """
    encoded = encode(subject, [text])
    batch = batch_of(subject, encoded, [0], [0], len(encoded["input_ids"][0]))
    return {
        name: tuple(
            logits(subject, batch, mask, ablation=ablation, means=means)[0]
            .float()
            .softmax(-1)
            .tolist()
        )
        for name, (mask, ablation) in tried.items()
    }
