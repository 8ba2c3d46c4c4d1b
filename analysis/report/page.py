"""The report: one self-contained page about one plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from html import escape
from pathlib import Path

from analysis import __version__
from analysis.flips import compare
from analysis.report import html
from analysis.report.findings import FULL, OFF, SMALLER, Findings, Measured
from analysis.report.heads import head_map, mask_picture
from analysis.report.lines import changes, curve
from analysis.report.method import method
from analysis.report.origin import origin
from analysis.scores import METHODS
from analysis.statistics import STATISTICS
from analysis.wording import percent, points, verdict

SHOWN = 60
"""Sentences of the list of changed answers."""
_STYLE = Path(__file__).parent / "style.css"


def page(found: Findings, *, link: str = "") -> str:
    """The report as HTML; it asks for nothing from anywhere, and all text of others is shown as it is.

    Args:
        found: what was measured.
        link: address of the same view in a dashboard; it is written as text.
    """
    mask = found.plan.mask
    title = f"{found.subject.name}: {mask.heads_on} of {mask.heads_total} attention heads"
    head = (
        f"<header><h1>{escape(html.short(title))}</h1>"
        + html.paragraph(
            f"{found.plan.name}, on {found.data.name}, {date.today():%d %B %Y}", "quiet"
        )
        + "</header>"
    )
    sections = (
        _short(found),
        _plan(found),
        _accuracy(found),
        _curve(found),
        _savings(found),
        _heads(found),
        _flips(found),
        html.section("How this was measured", method(found)),
        html.section("Where it comes from", origin(found, link)),
    )
    foot = f"<footer>Made by Headcount {__version__}. This page loads nothing and runs nothing.</footer>"
    style = _STYLE.read_text(encoding="utf-8")
    return html.document(title, style, head, f"<main>{''.join(sections)}</main>", foot)


def _short(found: Findings) -> str:
    last, latency = _outcome(found), found.latency
    low, high = latency.ratio_intervals["removed"]
    fewer = 1 - found.after.parameters / found.before.parameters
    change = last.change
    told = "" if change is None else f"95 % interval {points(change.low)} to {points(change.high)}"
    return html.section(
        "In short",
        html.paragraph(f"On the selection split: {verdict(found.selection)}{_after_repair(found)}"),
        html.tiles(
            [
                (
                    f"Accuracy on {last.split}",
                    percent(last.accuracy),
                    f"{last.form}, {100 * last.low:.1f} to {100 * last.high:.1f} %",
                ),
                ("Points against all heads", points(change.points) if change else "–", told),
                (
                    "Times as fast",
                    f"{latency.ratios['removed']:.2f}",
                    f"95 % interval {low:.2f} to {high:.2f}",
                ),
                ("Fewer parameters", percent(fewer), f"{found.after.parameters:,} left"),
            ]
        ),
        html.paragraph(_caution(found)),
    )


def _after_repair(found: Findings) -> str:
    """What repair changed, in a sentence; empty without one."""
    rows = [row for row in found.rows if row.form == SMALLER and row.split == "selection"]
    if not rows or (change := rows[0].change) is None:
        return ""
    return (
        f" Removed and repaired it is at {points(change.points)} points "
        f"({points(change.low)} to {points(change.high)})."
    )


def _outcome(found: Findings) -> Measured:
    """The form that is handed over, on the split that is nearest to a report."""
    return [row for row in found.rows if row.form != FULL][-1]


def _caution(found: Findings) -> str:
    if found.has_test:
        return (
            "The numbers on the test split were asked for after the heads had been chosen; whoever chooses "
            "other heads because of them makes them too good."
        )
    return (
        "The test split was not looked at. The heads were chosen on the selection split, so its numbers are "
        "somewhat too good: measure on the test split once, when the choice is final."
    )


def _plan(found: Findings) -> str:
    plan, mask = found.plan, found.plan.mask
    off = {"zero": "nothing", "mean": "its mean output on the calibration split"}[plan.ablation]
    caption = f"Blue heads are on, hatched ones off: {mask.heads_total - mask.heads_on} of {mask.heads_total}."
    if plan.repair != "none":
        caption += " A dot marks layers that were repaired."
    return html.section(
        "The plan",
        html.figure(mask_picture(mask, repaired=plan.repair != "none"), caption),
        html.terms(
            [
                ("A head that is off contributes", off),
                ("Repair", found.repair or "None: the remaining weights stay as they are."),
            ]
        ),
        "<h3>The plan as a file</h3>",
        html.code(replace(plan, trace="").to_json()),  # a trace is for programs
        html.paragraph(
            "Save it as plan.json; headcount prune --plan plan.json --out smaller makes the model.",
            "quiet",
        ),
    )


def _accuracy(found: Findings) -> str:
    rows = [
        (
            row.split,
            row.form,
            f"{row.n:,}",
            percent(row.accuracy),
            f"{100 * row.low:.1f} to {100 * row.high:.1f}",
            "–" if row.change is None else points(row.change.points),
            "–" if row.change is None else f"{points(row.change.low)} to {points(row.change.high)}",
        )
        for row in found.rows
    ]
    columns = ("split", "form", "sentences", "accuracy", "95 % interval", "points", "95 % interval")
    parts = [html.table(columns, rows, numbers=5)]
    if any(row.change is not None for row in found.rows):
        told = (
            "Change against the full model on the same sentences. A line that crosses zero: the data cannot "
            "tell the two apart, which is not the same as there being no difference."
        )
        parts.append(html.figure(changes(found.rows), told))
    return html.section("Does it still answer well?", *parts)


def _curve(found: Findings) -> str:
    table = found.curve
    if table is None or table.empty:
        return ""
    mask, base = found.plan.mask, found.selection.baseline or found.selection
    here = (1 - mask.heads_on / mask.heads_total, found.selection.accuracy)
    titles = {name: each.title for name, each in METHODS.items()}
    known = [titles[name] for name in table["method"].unique() if name in titles]
    caption = (
        f"Heads removed by {', '.join(known)}, without repair, on {int(table['n'].iloc[0]):,} sentences of the "
        f"selection split; the dotted line is the full model, the star this plan on {found.selection.n:,} sentences. "
        "The grey band holds 90 of 100 random masks: a choice is worth something where it lies above."
    )
    return html.section(
        "How fast does accuracy fall?",
        html.figure(curve(table, titles, base.accuracy, here), caption),
    )


def _savings(found: Findings) -> str:
    latency, before, after = found.latency, found.before, found.after
    forms = {"full": FULL, "masked": OFF, "removed": SMALLER if found.repair else "heads removed"}
    times = [
        (
            forms[name],
            f"{timing.median:.1f}",
            f"{timing.low_quartile:.1f} to {timing.high_quartile:.1f}",
            f"{latency.ratios[name]:.2f}",
            "{:.2f} to {:.2f}".format(*latency.ratio_intervals[name]),
        )
        for name, timing in latency.timings.items()
    ]
    costs = [
        (what, f"{old:,}", f"{new:,}", f"{100 * (new / old - 1):+.1f} %".replace("-", "−"))
        for what, old, new in (
            ("parameters", before.parameters, after.parameters),
            ("of these in the layers", before.layer_parameters, after.layer_parameters),
            ("operations of one batch", before.flops, after.flops),
            ("bytes of weights", before.bytes, after.bytes),
        )
    ]
    columns = ("form", "median, ms", "middle half, ms", "times as fast", "95 % interval")
    return html.section(
        "What does it save?",
        html.table(columns, times, numbers=4),
        html.paragraph(
            f"Batch of {latency.batch}, {latency.length} tokens, {latency.threads} threads, {latency.dtype}, on "
            f"{latency.device}; the forms in turns, {latency.rounds} rounds. Heads that are only switched off are "
            "still computed: that saves nothing. An interval that includes 1.00 is no gain that could be told from "
            "chance.",
            "quiet",
        ),
        html.table(("cost", "full model", "smaller model", "change"), costs, numbers=3),
    )


def _heads(found: Findings) -> str:
    drawn = "".join(
        f"<div><h3>{escape(each.title)}</h3>"
        + html.figure(
            head_map(found.profile.table, each, found.plan.mask),
            f"{each.meaning} Unit: {each.unit}.",
        )
        + "</div>"
        for each in STATISTICS.values()
    )
    return html.section(
        "What do the heads do?",
        html.paragraph(
            f"Each cell is a head, layers downwards; hatched heads are off. Means over {found.profile.n:,} sentences "
            f"of the {found.profile.split} split, with all heads on."
        ),
        f'<div class="maps">{drawn}</div>',
    )


def _flips(found: Findings) -> str:
    base = found.selection.baseline
    if base is None:
        return ""
    split = found.data.split("selection")
    flips = compare(base, found.selection, split, found.subject.labels).flips
    rows = [
        (
            row.text,
            row.label,
            row.answer_after,
            f"{row.probability_before:.2f}",
            f"{row.probability_after:.2f}",
        )
        for row in flips.head(SHOWN).itertuples()
    ]
    told = (
        f"{len(flips):,} of {found.selection.n:,} answers on the selection split changed when the heads were "
        "switched off"
    )
    told += f"; here are the {SHOWN} that changed most." if len(flips) > SHOWN else "."
    told += " The numbers are the probability of the right label, with all heads and now."
    if not rows:
        return html.section("Which answers changed?", html.paragraph(told))
    columns = ("sentence", "right label", "answer now", "before", "now")
    return html.section(
        "Which answers changed?", html.paragraph(told), html.table(columns, rows, numbers=2)
    )
