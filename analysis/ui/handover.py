"""What the export page asks and shows: choices, the numbers of the smaller model, and its files."""

from __future__ import annotations

import io
import os
import zipfile
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from analysis.mask import HeadMask
from analysis.ui import frame, tested
from analysis.ui.choice import Choice, plan_of
from analysis.ui.plans import shelf
from analysis.ui.resources import Workspace
from analysis.ui.state import current
from analysis.ui.widgets import setting, switch
from analysis.wording import points

if TYPE_CHECKING:
    from pathlib import Path

    from analysis.handover.delivered import Delivery
    from analysis.latency import Latency

REPAIRS = {
    "least-squares": "least squares",
    "mean": "mean output in the bias",
    "none": "none",
}
FORMS = {
    "before": "full model",
    "masked": "heads switched off",
    "removed": "heads removed",
    "repaired": "removed and repaired",
}
SHAPES = {
    "small": "smaller model (faster; brings its own loading code)",
    "padded": "original shape, zeros in place of heads (loads anywhere; not faster)",
}


def choices(here: Workspace, mask: HeadMask) -> Choice:
    """Repair and form of the model; the plan has its name if the mask is that of the one which is open.

    Of a family whose heads can only be switched off there is one form.
    """
    plan = shelf.opened(shelf.read(here))
    name = plan.name if plan is not None and shelf.is_shown(plan) else ""
    if name:
        st.markdown(f"These are the heads of the plan **{frame.escaped(name)}**.")
    ablation = current().choices["ablation"]
    if here.anatomy.fixed:
        st.info(
            "The model keeps its original shape: the weights of the heads that are off are set to 0. It loads "
            "anywhere, and is not smaller or faster."
        )
        if ablation == "mean":
            st.warning(
                "On the Prune page heads that are off count as their mean output, which this family's weights have no "
                "room for. Choose there that they add nothing, then come back."
            )
            st.page_link("pages/prune.py", label="To the Prune page", icon=":material/content_cut:")
            st.stop()
        onnx = switch("onnx", label="ONNX", help="Also write model.onnx for onnxruntime.")
        return Choice("none", True, onnx, ablation=ablation, name=name)
    left, middle, right = st.columns([2, 3, 1], vertical_alignment="bottom")
    repair = setting(
        "repair", list(REPAIRS), left.selectbox, label="Repair", format_func=REPAIRS.__getitem__
    )
    shape = setting(
        "shape", list(SHAPES), middle.selectbox, label="Form", format_func=SHAPES.__getitem__
    )
    with right:
        onnx = switch("onnx", label="ONNX", help="Also write model.onnx for onnxruntime.")
    batch, length, threads, dtype = _timed(here)
    if ablation == "mean" and repair == "none":
        st.caption(
            "On the Prune page a head that is off counts as its mean output. So that the model answers as it did "
            "there, these means are folded into the bias of the output projection."
        )
    return Choice(repair, shape == "padded", onnx, batch, length, threads, dtype, ablation, name)


def _timed(here: Workspace) -> tuple[int, int, int | None, str]:
    """What is timed: texts in a batch, tokens of each, threads (None for all), and numbers."""
    with st.expander("What is timed", icon=":material/timer:"):
        columns = st.columns(4, vertical_alignment="bottom")
        longest = here.subject.max_length
        lengths = [str(n) for n in (16, 64, 128, 256, 512) if n <= longest] or ["16"]
        cores = os.cpu_count() or 1
        threads = ["all", *(str(n) for n in (1, 2, 4, 8, 16, 32) if n < cores)]
        asked = (
            ("timed_batch", ["1", "8", "32"], "Texts in a batch"),
            ("timed_length", lengths, "Tokens in a text"),
            ("timed_threads", threads, "Threads"),
            ("timed_dtype", ["float32", "bfloat16", "float16"], "Numbers"),
        )
        found = [
            setting(name, options, column.selectbox, label=label)
            for column, (name, options, label) in zip(columns, asked, strict=True)
        ]
        st.caption(
            f"On {here.subject.device.type} of the computer that runs this page; the ONNX file in onnxruntime, in "
            "float32. A batch of one is what somebody waits for, a large one what a service does."
        )
    batch, length, count, dtype = found
    return int(batch), int(length), None if count == "all" else int(count), dtype


def plan_file(here: Workspace, mask: HeadMask, choice: Choice) -> None:
    """The plan as a file, for the command line and for colleagues."""
    st.download_button(
        "Download the plan",
        data=lambda: plan_of(here, mask, choice).to_json(),
        file_name="plan.json",
        mime="application/json",
        on_click="ignore",
        icon=":material/download:",
        help="`headcount prune --plan plan.json --out FOLDER` does the same from a terminal.",
    )


def standings(here: Workspace, found: Delivery, mask: HeadMask) -> None:
    """Accuracy of every form of the model on the reported split."""
    st.subheader("Does it still answer well?", anchor=False)
    if not found.standings:
        st.caption(
            "This model gives no answers to texts that could be judged: its smaller form was compared with the "
            "one whose heads are switched off, number by number."
        )
        return
    rows = []
    for name, standing in found.standings.items():
        row = {"form": FORMS[name]}
        for place, each in enumerate(standing.measured):
            row[each.title] = each.told
            if place == 0:
                row["95 % interval"] = each.interval
                row["change"] = each.changed or "—"
        rows.append(row)
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    if found.recovery is not None:
        st.markdown(f"**Repair.** {found.recovery.sentence}")
    st.caption(
        f"{frame.escaped(found.report.sentence)} Measured on the {found.split} split after the heads were "
        "chosen; changes are paired with the full model's answers. Going back to choose other heads because of "
        f"these numbers would make them too good. {tested.looks(here).told(*found.looks)}"
    )


def costs(found: Delivery) -> None:
    """What the smaller model saves."""
    st.subheader("What does it save?", anchor=False)
    if found.padded:
        st.caption(
            "Nothing: the original shape was kept, with zeros in place of the heads, so parameters, operations and "
            "speed are the full model's. " + found.ceiling.sentence
        )
        return
    before, after, latency = found.before, found.after, found.latency
    tiles = st.columns(4)
    calm: dict[str, Any] = {"delta_color": "off", "delta_arrow": "off", "border": True}
    less = _less(before.parameters, after.parameters)
    tiles[0].metric("Parameters", f"{after.parameters:,}", less, **calm)
    less = _less(before.flops, after.flops)
    tiles[1].metric("Operations a batch", f"{after.flops:,}", less, **calm)
    peak = found.memory_after.peak
    tiles[2].metric(
        "Memory",
        f"{peak / 1e6:,.0f} MB",
        _less(found.memory_before.peak, peak),
        help="Most that weights and one batch's tensors hold at once, counted operation by operation.",
        **calm,
    )
    if latency is not None:
        low, high = latency.ratio_intervals["removed"]
        ratio = latency.ratios["removed"]
        tiles[3].metric(
            "Times as fast",
            f"{ratio:.2f}",
            f"{low:.2f} to {high:.2f}",
            help="The full model's time over the smaller one's; below it the 95 % interval. One that includes 1.00 is "
            "no gain that could be told from chance.",
            **calm,
        )
        st.caption(
            f"Batch of {latency.batch}, {latency.length} tokens, {latency.threads} threads, {latency.dtype}, models in "
            f"turns, {latency.rounds} rounds. {_milliseconds(latency)} "
            f"The masked model ran {latency.ratios['masked']:.2f} times as fast: "
            "switching heads off saves nothing."
        )
    if found.onnx_latency is not None:
        low, high = found.onnx_latency.ratio_intervals["removed"]
        st.caption(
            f"As ONNX files, both in onnxruntime, the smaller model is {found.onnx_latency.ratios['removed']:.2f} "
            f"times as fast as the full one ({low:.2f} to {high:.2f})."
        )
    st.caption(found.ceiling.sentence)


def _less(before: float, after: float) -> str:
    return f"{points(100 * (after / before - 1))} %"


def _milliseconds(latency: Latency) -> str:
    full, removed = (latency.timings[name] for name in ("full", "removed"))
    return (
        f"One batch takes {full.median:.1f} ms (quartiles {full.low_quartile:.1f} to {full.high_quartile:.1f}) in the "
        f"full model, {removed.median:.1f} ms ({removed.low_quartile:.1f} to {removed.high_quartile:.1f}) in the "
        "smaller one."
    )


def files(found: Delivery) -> None:
    """The written folder, how it was checked, and its download."""
    written = found.written
    if written is None:
        return
    st.subheader("Is it the same model for others?", anchor=False)
    st.markdown(
        f"Removing against switching off: answers differ by **{found.parity:.1e}** at most (logits)."
    )
    for each in written.parity:
        st.markdown(
            f"- {frame.escaped(each.form)}, loaded with {frame.escaped(each.loaded_with)}: "
            f"answers differ by **{each.difference:.1e}** at most"
        )
    st.download_button(
        f"Download the model ({written.bytes / 1e6:,.0f} MB)",
        data=lambda: _zipped(written.folder),
        file_name="headcount-model.zip",
        mime="application/zip",
        on_click="ignore",
        icon=":material/download:",
    )
    st.caption("It is also in this folder of the computer that runs this page:")
    st.code(str(written.folder), language=None, wrap_lines=True)


def _zipped(folder: Path) -> bytes:
    # Weights do not compress; storing them is many times faster.
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return buffer.getvalue()
