"""Fit a data set's labels to a model's outputs, by name where names agree and never by guessing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from analysis.errors import DataError, unknown
from analysis.text import LabelledText

SYNONYMS = {
    "neg": "negative",
    "negative": "negative",
    "bad": "negative",
    "pos": "positive",
    "positive": "positive",
    "good": "positive",
    "neu": "neutral",
    "neutral": "neutral",
}
"""Words for one class. With two classes 0 also means negative and 1 positive, see `_meaning`."""
UNNAMED = re.compile(r"label[_ -]?(\d{1,4})")
"""What transformers calls the outputs of a model whose author named none."""


def matched(
    data: LabelledText,
    model_labels: Sequence[str],
    labels: str | Mapping[str, str | int] | None = None,
) -> LabelledText:
    """The same texts with their labels numbered as the model's outputs are.

    Args:
        data: any labelled text.
        model_labels: names of the model's outputs, in the order of its logits.
        labels: for labels whose names do not agree, the output of each, by name or number:
            `"neg=0,pos=1"` or `{"neg": 0, "pos": 1}`.

    Returns:
        A data set whose `label_names` are the model's.

    Raises:
        DataError: a label has no output, or two labels share one; the message shows both lists.
    """
    outputs = tuple(model_labels)
    if not data.label_names:
        return data  # texts alone, for a model that has no labels
    if not outputs:
        raise DataError(
            f"{data.name} has the labels {_listed(data.label_names)}, and this model gives none: it has no "
            "classification head. Give a model that was trained to classify"
        )
    given = _parsed(labels) if isinstance(labels, str) else dict(labels or {})
    if given:
        places, note = _as_given(data, outputs, given), ""
    else:
        places, note = _by_name(data, outputs)
    if len(set(places)) < len(places):
        raise DataError(f"two labels would be one output of the model: {_both(data, outputs)}")
    if places == tuple(range(len(places))) and data.label_names == outputs:
        return data
    return replace(
        data,
        label_names=outputs,
        splits={
            name: replace(split, labels=tuple(_placed(places, label) for label in split.labels))
            for name, split in data.splits.items()
        },
        notes=(*data.notes, *filter(None, [note])),
    )


def _placed(places: Sequence[int], label: Any) -> Any:
    """The output of a text's label, or of each word's."""
    return tuple(places[each] for each in label) if isinstance(label, tuple) else places[label]


def _by_name(data: LabelledText, outputs: tuple[str, ...]) -> tuple[tuple[int, ...], str]:
    """The output of each label; a name wins over a meaning, a meaning over a number."""
    for known in (
        {output.casefold().strip(): place for place, output in enumerate(outputs)},
        {_meaning(output, len(outputs)): place for place, output in enumerate(outputs)},
    ):
        for spelled in (str.casefold, lambda name: _meaning(name, len(data.label_names))):
            places = [known.get(spelled(name)) for name in data.label_names]
            found = tuple(place for place in places if place is not None)
            if len(found) == len(places) and len(known) == len(outputs):
                same = all(map(_same, data.label_names, (outputs[place] for place in found)))
                return found, "" if same else _told("meaning", data, outputs, found)
    unnamed = all(UNNAMED.fullmatch(output.casefold()) for output in outputs)
    numbers = all(re.fullmatch(r"\d{1,4}", name) for name in data.label_names)
    numbered = tuple(map(int, data.label_names)) if numbers else tuple(range(len(data.label_names)))
    if (numbers or (unnamed and data.numbered)) and max(numbered) < len(outputs):
        return numbered, _told("number", data, outputs, numbered)
    raise DataError(f"the labels do not fit the model: {_both(data, outputs)}")


def _same(name: str, output: str) -> bool:
    return name.casefold().strip() == output.casefold().strip()


def _told(by: str, data: LabelledText, outputs: Sequence[str], places: Sequence[int]) -> str:
    pairs = zip(data.label_names, places, strict=True)
    told = ", ".join(f"{name[:40]} is {outputs[place][:40]}" for name, place in pairs)
    return f"labels were matched with the model's outputs by {by}: {told}"


def _meaning(name: str, classes: int) -> str:
    """The class that a name stands for; `LABEL_1` and `1` are the number 1."""
    plain = name.casefold().strip()
    number = UNNAMED.fullmatch(plain)
    plain = str(int(number[1])) if number else plain
    if classes == 2 and plain in ("0", "1"):
        return ("negative", "positive")[int(plain)]
    return SYNONYMS.get(plain, plain)


def _parsed(text: str) -> dict[str, str | int]:
    pairs = [piece.rpartition("=") for piece in text.split(",") if piece.strip()]
    if not pairs or any(not name.strip() or not value.strip() for name, _, value in pairs):
        raise DataError(
            f"cannot read {text[:80]!r} as labels; write each label's output: neg=0,pos=1"
        )
    return {name.strip(): value.strip() for name, _, value in pairs}


def _as_given(
    data: LabelledText, outputs: tuple[str, ...], given: Mapping[str, str | int]
) -> tuple[int, ...]:
    wanted = {name.casefold(): output for name, output in given.items()}
    for name in given:
        if name.casefold() not in (label.casefold() for label in data.label_names):
            raise DataError(f"{data.name}: {unknown('label', name, data.label_names)}")
    places = []
    for name in data.label_names:
        if name.casefold() not in wanted:
            raise DataError(f"no output of the model is given for {name!r}: {_both(data, outputs)}")
        places.append(_output(wanted[name.casefold()], outputs))
    return tuple(places)


def _output(wanted: str | int, outputs: tuple[str, ...]) -> int:
    names = [output.casefold() for output in outputs]
    if str(wanted).casefold() in names:
        return names.index(str(wanted).casefold())
    if re.fullmatch(r"\d{1,4}", str(wanted)) and int(wanted) < len(outputs):
        return int(wanted)
    raise DataError(f"{unknown('output', str(wanted), outputs)}, or a number below {len(outputs)}")


def _both(data: LabelledText, outputs: Sequence[str]) -> str:
    return (
        f"{data.name} has {_listed(data.label_names)}, the model has {_listed(outputs)}; "
        "say which is which, such as "
        + ",".join(f"{name}={place}" for place, name in enumerate(data.label_names[:3]))
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name[:40] for name in names[:12])
    return shown if len(names) <= 12 else f"{shown} and {len(names) - 12} more"
