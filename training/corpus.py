"""What the adapter may be trained on: sentences far enough from everything that is reported.

Nothing of the calibration, selection and test splits, and nothing that is listed as held out, may
reach a trained weight. A sentence is left out when its hash is listed or belongs to one of those
splits, and also when it shares `RUN` words in a row with one of them, which catches a review that
quotes another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from analysis.demo import data
from analysis.text import LabelledText, Split, text_hash

RUN = 8
PROTECTED = ("calibration", "selection", "test")


@dataclass(frozen=True)
class Corpus:
    """Training material.

    Attributes:
        gold: labelled Rotten Tomatoes sentences of the train split.
        reviews: for each IMDB review its allowed sentences and its label.
        counts: how many were read and left out, for the record.
    """

    gold: Split
    reviews: tuple[tuple[tuple[str, ...], int], ...]
    counts: dict[str, int]


class Fence:
    """Knows every sentence that must not be trained on."""

    def __init__(self, text: LabelledText) -> None:
        self.listed = data.held_out_hashes()
        protected = [sentence for name in PROTECTED for sentence in text.split(name).texts]
        self.hashes = {text_hash(sentence) for sentence in protected}
        self.runs = {run for sentence in protected for run in _runs(sentence)}

    def reason(self, sentence: str) -> str | None:
        """Why the sentence may not be trained on; None when it may."""
        key = text_hash(sentence)
        if key in self.listed:
            return "listed in held_out.sha256"
        if key in self.hashes:
            return "in a calibration, selection or test split"
        if any(run in self.runs for run in _runs(sentence)):
            return f"shares {RUN} words in a row with a calibration, selection or test sentence"
        return None


def read() -> Corpus:
    """The corpus, and how many sentences of each source were left out and why."""
    text = data.load()
    fence = Fence(text)
    counts: dict[str, int] = {}
    rows = data.sentences("rotten_tomatoes")
    allowed = set(_allowed((sentence for sentence, _ in rows), fence, "Rotten Tomatoes", counts))
    train = text.split("train")
    kept = [row for row, sentence in enumerate(train.texts) if sentence in allowed]
    gold = type(train)(
        tuple(train.texts[row] for row in kept), tuple(train.labels[row] for row in kept)
    )
    reviews = []
    for review, label in dict(data.sentences("imdb")).items():
        sentences = tuple(_allowed(split_sentences(review), fence, "IMDB", counts))
        if sentences:
            reviews.append((sentences, label))
    counts["Rotten Tomatoes: trained on"] = len(gold)
    counts["IMDB: reviews trained on"] = len(reviews)
    return Corpus(gold, tuple(reviews), counts)


def split_sentences(review: str) -> list[str]:
    """The sentences of an IMDB review, without its line breaks' markup."""
    plain = re.sub(r"\s+", " ", review.replace("<br />", " ")).strip()
    return re.split(r"(?<=[.!?])\s+", plain)


def _allowed(
    sentences: Iterable[str], fence: Fence, source: str, counts: dict[str, int]
) -> Iterator[str]:
    for sentence in sentences:
        reason = fence.reason(sentence)
        name = f"{source}: sentences read" if reason is None else f"{source}: left out, {reason}"
        counts[f"{source}: sentences read"] = counts.get(f"{source}: sentences read", 0) + 1
        if reason is None:
            yield sentence
        else:
            counts[name] = counts.get(name, 0) + 1


def _runs(sentence: str) -> list[str]:
    words = re.findall(r"[a-z0-9]+", sentence.lower())
    return [" ".join(words[start : start + RUN]) for start in range(len(words) - RUN + 1)]
