"""The model card of an exported model: what it is, how it loads, what was measured."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from analysis import __version__
from analysis.export.parity import Parity
from analysis.models import Subject
from analysis.plan import Plan

HUB_ID = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?")
"""An id of the hub, `owner/name` or `name`."""
LICENCE = re.compile(r"[A-Za-z0-9.-]{2,40}")
"""A licence's identifier, as the hub writes them; a sentence about one is not."""
PIPELINES = {
    "sequence-classification": "text-classification",
    "token-classification": "token-classification",
    "causal-lm": "text-generation",
    "image-classification": "image-classification",
    "representation": "feature-extraction",
}


def card(
    subject: Subject,
    smaller: Subject,
    plan: Plan,
    parity: Sequence[Parity],
    numbers: Mapping[str, Any],
    *,
    padded: bool,
    onnx: bool,
) -> str:
    """The card as Markdown with the hub's front matter.

    Args:
        subject: the model before.
        smaller: the model after.
        plan: which heads went.
        parity: how the written files were checked.
        numbers: sentences by title, and single numbers by name.
        padded: the original shape was written.
        onnx: an ONNX file stands beside it.
    """
    mask = plan.mask
    parts = [
        _front(subject, smaller),
        f"# {_plain(subject.spec)}, {mask.heads_on} of {mask.heads_total} attention heads\n",
        _story(subject, smaller, plan, padded),
        *filter(None, (_plain(subject.note),)),
        "## Load it\n\n" + _loading(smaller, padded, onnx),
        "## Measured\n\n" + _measured(numbers),
        "## Checked after writing\n\n"
        + "\n".join(
            f"- {each.form}: largest difference {each.difference:.2g} where answers reach {each.largest:.3g}, "
            f"{each.probes} batches with and without padding, in a fresh process ({each.loaded_with})"
            for each in parity
        ),
        "## Heads\n\nSwitched off, one hexadecimal number of bits a layer: "
        f"`{mask.encode()}`. Heads left in each layer: {', '.join(map(str, map(sum, mask.rows)))}. "
        "The whole plan is in `plan.json`.\n",
    ]
    return "\n\n".join(parts)


def _front(subject: Subject, smaller: Subject) -> str:
    lines = [
        "library_name: transformers",
        f"pipeline_tag: {PIPELINES[smaller.task.name]}",
        "tags:",
        "- headcount",
        "- pruned",
    ]
    if HUB_ID.fullmatch(subject.spec) and subject.provenance.source.endswith(f"/{subject.spec}"):
        lines.append(f"base_model: {subject.spec}")
    if LICENCE.fullmatch(subject.provenance.licence):
        lines.append(f"license: {subject.provenance.licence.lower()}")
    return "\n".join(("---", *lines, "---"))


def _story(subject: Subject, smaller: Subject, plan: Plan, padded: bool) -> str:
    origin = _plain(subject.provenance.source) or "a model given at run time"
    licence = _plain(subject.provenance.licence) or "not stated"
    gone = "switched off for good" if smaller.anatomy.fixed else "removed"
    text = (
        f"Made by Headcount {__version__} from {origin} (licence: {licence}). "
        f"{plan.mask.heads_total - plan.mask.heads_on} attention heads were {gone}; repair: {plan.repair}. "
        f"{subject.parameters:,} parameters before, "
    )
    if padded:
        return (
            text
            + "as many after: the removed heads' weights are 0, so the model keeps its shape, loads "
            "everywhere and is **not faster**."
        )
    return text + f"{smaller.parameters:,} after."


def _loading(smaller: Subject, padded: bool, onnx: bool) -> str:
    option = "" if padded else ", trust_remote_code=True"
    kind = smaller.task.auto_class
    lines = [f"from transformers import {kind}", f'model = {kind}.from_pretrained("DIR"{option})']
    text = "```python\n" + "\n".join(lines) + "\n```\n"
    if not padded:
        text += (
            "\nThe one file of code, `modeling_headcount.py`, gives the layers their smaller sizes; read it. "
            'With Headcount installed, `analysis.load_model("DIR")` runs no code from this folder.\n'
        )
    if onnx:
        text += "\n`model.onnx` runs in onnxruntime with any batch and length.\n"
    return text


def _measured(numbers: Mapping[str, Any]) -> str:
    if not numbers:
        return "Nothing was measured for this export.\n"
    rows = "\n".join(f"| {_plain(str(name))} | {_cell(value)} |" for name, value in numbers.items())
    return f"| what | value |\n|---|---|\n{rows}\n"


def _cell(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else _plain(str(value))


def _plain(text: str) -> str:
    """Text of others without what Markdown or HTML would act upon."""
    return "".join(" " if sign in "<>|`\n\r[]" else sign for sign in text)[:300].strip()
