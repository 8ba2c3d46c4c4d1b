"""The curves page's table of methods at one share of removed heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from analysis.ui import views
from analysis.ui.words import listed

if TYPE_CHECKING:
    from analysis.yardstick import Yardstick


FEW = 20
"""Random masks below which a place among them says little."""


def section(table: pd.DataFrame) -> None:
    """How every method stands at a share that is chosen here."""
    from analysis.significance import MARGIN, fewest
    from analysis.standings import CHOSEN_HERE, standings
    from analysis.yardstick import yardstick

    fractions = sorted(share for share in table["fraction"].unique() if 0 < share < 1)
    if not fractions or (table["method"] == "random").all():
        return
    st.subheader("Which method is really better?", anchor=False)
    fraction = st.segmented_control(
        "Heads removed",
        fractions,
        default=0.5 if 0.5 in fractions else fractions[0],
        format_func=lambda share: f"{share:.0%}",
        key="standing",
        required=True,
    )
    margin = st.number_input(
        "Points that may be lost",
        min_value=0.1,
        max_value=20.0,
        value=MARGIN,
        step=0.5,
        format="%.1f",
        key="standing_margin",
        help="A loss is called negligible only if its whole interval lies above this one. Say it before you look.",
        width=200,
    )
    titles = {name: method.title for name, method in views.methods().items()}
    found = standings(table, fraction, margin)
    found["method"] = found["method"].map(titles)
    if "needed" in found:
        found["needed"] = found["needed"].map(
            lambda n: "" if n != n else f"{n:,.0f}"
        )  # NaN is not itself
    by = yardstick(table)
    st.dataframe(found, hide_index=True, key="standings", column_config=_columns(margin, by))
    flattered = found.loc[found["negligible"] == CHOSEN_HERE, "method"].tolist()
    if flattered:
        st.caption(
            f"{listed(flattered)}: masks or weights were chosen by these very sentences, which flatters them. The "
            "change says little about other sentences, so no place, p or verdict is given."
        )
    drawn = table[(table["fraction"] == fraction) & (table["method"] == "random")]
    n, texts = (int(table[name].iloc[0]) for name in ("n", "texts"))
    if texts < fewest(margin):
        item = by.task.item if by.task.answers_once else "texts"
        st.warning(
            f"{texts:,} {item} cannot show that a loss is below {_points(margin)}, whatever the heads do: that "
            f"takes {fewest(margin):,} or more."
        )
    st.caption(meaning(len(drawn), n, str(table["split"].iloc[0]), by))


def _columns(margin: float, by: Yardstick) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    main = by.main
    return {
        main.name: number(main.title, format="%.3g", help=main.meaning),
        "method": st.column_config.TextColumn("Method"),
        "change": number("Points", format="%+.2f", help=f"{by.share.title} against all heads."),
        "change_low": number("from", format="%+.2f", help="95 % paired interval."),
        "change_high": number("to", format="%+.2f", help="95 % paired interval."),
        "percentile": number(
            "Above random, %",
            format="%.0f",
            help=f"Share of random masks that are worse by {main.told}.",
        ),
        "p_random_holm": number(
            "p, random",
            format="%.2g",
            help="McNemar's exact test against the random mask of median accuracy, corrected by Holm over methods.",
        ),
        "p_full_holm": number(
            "p, all heads",
            format="%.2g",
            help="McNemar's exact test against the full model, corrected by Holm over methods.",
        ),
        "negligible": st.column_config.TextColumn(
            f"Within {_points(margin)}?",
            help=f"Yes where the whole interval of the {by.share.told} lies above that loss, no where it lies below. "
            "A method that searched, or was tuned, on these sentences is flattered by them: its verdict is on the "
            "test split.",
        ),
        "needed": st.column_config.TextColumn(
            "Sentences needed",
            help="So many would show it with a chance of 80 %, if the loss is what it seems; empty where it is "
            "decided or no number would.",
        ),
    }


def _points(margin: float) -> str:
    return f"{margin:g} point{'s' * (margin != 1)}"


def meaning(masks: int, n: int, split: str, by: Yardstick) -> str:
    """What the table is held against, on how much it rests, and what its last columns are for."""
    random = (
        f"{masks} random masks of the same size are what a method must beat. "
        if masks
        else "Add Random to the methods to see what chance alone reaches. "
    )
    if 0 < masks < FEW:
        random += "So few place a method only roughly. "
    item = by.task.item
    if not by.task.answers_once:
        better = "higher" if by.main.higher_is_better else "lower"
        return (
            f"{random}Measured on {n:,} {item} of the {split} split; {better} {by.main.told} is better. Points are "
            f"those of the {by.share.told}, with an interval over whole texts: {item} of one text depend on each "
            "other, so there is no p and no number needed here, because both take answers for independent."
        )
    return (
        f"{random}Measured on {n:,} {item} of the {split} split. A small p says that the two really differ; a "
        "large one does not say that they are alike: that is what the last two columns are for. They allow for one "
        "method each: read that of the method you chose beforehand as a test, the others as a description."
    )
