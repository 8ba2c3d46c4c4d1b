"""What the reproduction says of each claim, in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from reproduction_tables import TESTED, named, one, paired, rows_of

from analysis.errors import ProtocolError
from analysis.scores import METHODS
from analysis.significance import holm, non_inferiority
from analysis.text import Selection, Test

PAPER, OWN, SEARCH = "attention-guided", "repair-aware", "greedy"
REPAIR = "least-squares"
CHOSEN_LATE = (
    "On the built-in model and data the rule was written down when test figures of an earlier run were known; there "
    "these lines are no test of a fresh hypothesis."
)


def verdicts(
    test: pd.DataFrame, selection: pd.DataFrame, rankings: Sequence[Mapping[str, Any]]
) -> list[str]:
    """A plain sentence on each claim that the measured methods can decide."""
    present = set(test["method"])
    told = []
    for method, repair in ((PAPER, "none"), (OWN, REPAIR)):
        if method in present:
            told.append(
                f'**"50 % of heads with negligible loss"** {negligible(test, method, repair)}'
            )
    told += beats(test)
    if test["latency_ratio"].notna().all():
        told += [saved(test, fraction) for fraction in TESTED]
    told += [f"Target, {chosen(test, selection, fraction)}" for fraction in TESTED]
    if OWN in present:
        told += [f"Target, {f:.0%} of heads by {within(test, OWN, f)}" for f in reversed(TESTED)]
        told += [against_search(test, selection, rankings)] * (SEARCH in present)
        told.append(against_all(test))
    return told


def negligible(test: pd.DataFrame, method: str, repair: str) -> str:
    """Whether a method loses less than one point at half of the heads."""
    row = one(test, method, 0.5, repair)
    found = non_inferiority(int(row["fixed"]), int(row["broken"]), int(row["n"]), 1.0)
    holds = {"negligible": "holds", "not negligible": "does not hold"}.get(
        found.decided, "is undecided"
    )
    return f"{holds} for {named(method, repair)}: {found.sentence}"


def within(test: pd.DataFrame, method: str, fraction: float, margin: float = 0.5) -> str:
    """Whether a method after least squares is non-inferior at the target's margin."""
    row = one(test, method, fraction, REPAIR)
    found = non_inferiority(int(row["fixed"]), int(row["broken"]), int(row["n"]), margin)
    return f"{named(method, REPAIR)}: {found.sentence}"


def saved(test: pd.DataFrame, fraction: float) -> str:
    """What removing a share of the heads saves, over all masks of that size."""
    rows = test[(test["fraction"] == fraction) & (test["repair"] == "none")].drop_duplicates("mask")
    speed = rows["latency_ratio"]
    falls = "fall" if (speed > 1).all() and (rows["flops_ratio"] < 1).all() else "do not all fall"
    return (
        f"**Inference time and computation** {falls} with {fraction:.0%} of the heads removed: one sentence of 128 "
        f"tokens is answered {speed.median():.2f} times faster in the middle of {len(rows)} masks (the slowest "
        f"{speed.min():.2f}, the fastest {speed.max():.2f}), with {rows['flops_ratio'].median():.1%} of the operations "
        f"and {rows['parameters_ratio'].median():.1%} of the weights."
    )


def told_apart(test: pd.DataFrame) -> str:
    """How many methods these sentences tell from the median random mask, in plain sentences."""
    said = []
    for fraction in TESTED:
        rows = test[
            (test["fraction"] == fraction)
            & (test["repair"] == REPAIR)
            & (test["method"] != "random")
        ].dropna(subset=["p_random_holm"])
        if rows.empty:
            continue
        apart = rows[rows["p_random_holm"] < 0.05]
        better = int((apart["percentile"] > 50).sum())
        best = rows.loc[rows["p_random_holm"].idxmin()]
        said.append(
            f"With {fraction:.0%} of the heads gone and the rest repaired by least squares, {len(apart)} of "
            f"{len(rows)} methods can be told from the median random mask at 5 %, {better} of them better; the "
            f"smallest p is {best['p_random_holm']:.2g}, of {METHODS[best['method']].title}."
        )
    return " ".join(said)


def of_all_rows(test: pd.DataFrame, selection: pd.DataFrame) -> str:
    """What the rule of `chosen` would take if masks without repair stood for choice too."""
    said = []
    for fraction in TESTED:
        rows = selection[(selection["fraction"] == fraction) & (selection["method"] != "random")]
        best = rows.sort_values(["accuracy", "loss"], ascending=[False, True]).iloc[0]
        row = one(test, best["method"], fraction, best["repair"])
        bare = " without repair" * (best["repair"] == "none")
        said.append(
            f"{named(best['method'], best['repair'])}{bare} at {fraction:.0%}: "
            f"{row['change']:+.2f} ({row['change_low']:+.2f} to {row['change_high']:+.2f})"
        )
    return (
        "The first two targets choose among models after least squares only. Over all rows, unrepaired ones included, "
        f"the same rule would take {'; '.join(said)} points on the test split. {CHOSEN_LATE}"
    )


def chosen(test: pd.DataFrame, selection: pd.DataFrame, fraction: float) -> str:
    """The method that the selection split would have chosen, and what the test split says of it.

    The rule is that of `tuning.choose`: the highest accuracy, then the lowest loss.

    Raises:
        ProtocolError: the rows to choose from are of another split.
    """
    if set(selection["split"]) != {Selection.name} or set(test["split"]) != {Test.name}:
        raise ProtocolError(
            "a method is chosen on the selection split and reported on the test split"
        )
    rows = selection[(selection["fraction"] == fraction) & (selection["repair"] == REPAIR)]
    best = rows[rows["method"] != "random"].sort_values(
        ["accuracy", "loss"], ascending=[False, True]
    )
    method = str(best.iloc[0]["method"])
    return (
        f"{fraction:.0%} of heads by the method that is best on the selection split after least squares "
        f"({best.iloc[0]['change']:+.2f} points there), {within(test, method, fraction)}"
    )


def beats(test: pd.DataFrame) -> list[str]:
    """Whether the paper's method is better than its rivals at moderate rates, without repair, a sentence a claim.

    The p values are corrected by Holm over these claims, since any of them would be taken for the paper's.
    """
    present = set(test["method"])
    claims = [
        (rival, fraction)
        for rival in ("random", "magnitude")
        for fraction in TESTED
        if {rival, PAPER} <= present
    ]
    pairs = [(one(test, PAPER, f, "none"), _rival(test, name, f)) for name, f in claims]
    corrected = holm([paired(mine, other) for mine, other in pairs])
    told = []
    for (rival, fraction), (mine, other), p in zip(claims, pairs, corrected, strict=True):
        held_against, place = rival, ""
        if rival == "random":
            held_against = "the median random mask"
            masks = len(rows_of(test, "random", fraction, "none"))
            place = (
                f"; it is at percentile {mine['percentile']:.0f} of {masks} random masks. Corrected for all methods of "
                f"the table instead, p = {mine['p_random_holm']:.2g}"
            )
        difference = 100 * (mine["accuracy"] - other["accuracy"])
        told.append(
            f'**"Better than {rival} at moderate rates"** {outcome(difference, p)} at {fraction:.0%}: '
            f"{METHODS[PAPER].title} is {difference:+.2f} points from {held_against} (McNemar p = {p:.3g}, by Holm "
            f"for {len(claims)} such claims){place}."
        )
    return told


def _rival(test: pd.DataFrame, rival: str, fraction: float) -> Any:
    """The row to beat; of random masks that of median accuracy."""
    rows = rows_of(test, rival, fraction, "none").sort_values(["accuracy", "seed"])
    return rows.iloc[(len(rows) - 1) // 2]


def outcome(difference: float, p: float) -> str:
    """What a difference in points allows one to say of the claim that it is above 0, at 5 %.

    A large p does not say that the claim is false, only that these sentences do not decide it.
    """
    if not p < 0.05:
        return "is undecided"
    return "holds" if difference > 0 else "does not hold"


def against_search(
    test: pd.DataFrame,
    selection: pd.DataFrame,
    rankings: Sequence[Mapping[str, Any]],
) -> str:
    """Our own method against the greedy reference, both after least squares."""
    told = []
    for fraction in TESTED:
        for name, table in (("selection", selection), ("test", test)):
            mine, other = (one(table, m, fraction, "least-squares") for m in (OWN, SEARCH))
            told.append(
                f"{fraction:.0%} on {name} {100 * (mine['accuracy'] - other['accuracy']):+.2f} points "
                f"(McNemar p = {paired(mine, other):.2g}; divergence {mine['divergence']:.4f} against "
                f"{other['divergence']:.4f} nats)"
            )
    spent = {each["ranking"]: each["seconds"] for each in rankings}
    return (
        f"Target, {named(OWN, REPAIR)} against {named(SEARCH, REPAIR)}: {'; '.join(told)}. "
        f"Ours costs {METHODS[OWN].cost}, the search {masks_searched(rankings):,} masks and more for its swaps "
        f"on the selection sentences; they took {spent[OWN]:.1f} s and "
        f"{spent[SEARCH]:.1f} s on the same machine."
    )


def against_all(test: pd.DataFrame) -> str:
    """Whether our own method beats every other at half of the heads, all after least squares."""
    mine = one(test, OWN, 0.5, REPAIR)
    half = test[(test["fraction"] == 0.5) & (test["repair"] == "least-squares")]
    others = half[~half["method"].isin([OWN, "random"])]
    p = holm([paired(mine, row) for _, row in others.iterrows()])
    told = []
    for sign, what in ((1, "better"), (-1, "worse")):
        ahead = [
            f"{METHODS[row['method']].title} (p = {value:.2g})"
            if value < 0.05
            else METHODS[row["method"]].title
            for (_, row), value in zip(others.iterrows(), p, strict=True)
            if sign * (row["accuracy"] - mine["accuracy"]) > 0
        ]
        told.append(f"{what} than ours by the number are {', '.join(ahead) or 'none'}")
    return (
        f'Target, "beat all others at 50 %", {METHODS[OWN].title}: of {len(others)} methods after least squares, '
        f"{'; '.join(told)}. "
        "A p is given where McNemar's test, corrected by Holm, tells the two apart at 5 %. By divergence from the "
        f"full model ours is number {int((others['divergence'] < mine['divergence']).sum()) + 1}."
    )


def masks_searched(rankings: Sequence[Mapping[str, Any]]) -> int:
    """Masks that a backward elimination of all heads evaluates."""
    heads = len(rankings[0]["scores"])
    return heads * (heads + 1) // 2
