"""The heads page's agreement: between the methods' scores, and of one method with itself on other sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from analysis.mask import name
from analysis.progress import Step
from analysis.ui import figure, frame, scored, scoring, views, work
from analysis.ui.jobs import Job
from analysis.ui.resources import Workspace
from analysis.ui.state import current
from analysis.ui.widgets import setting
from analysis.ui.words import listed

if TYPE_CHECKING:
    import pandas as pd

    from analysis.scores import Ranking


SHARES = (0.75, 0.5, 0.25)
"""Shares of heads that stay at which methods can be compared."""


@dataclass(frozen=True)
class Steadiness:
    """How far each method agrees with itself between samples of the calibration split."""

    table: pd.DataFrame
    """`method` (its title), `mean` and `lowest pair` of the rank correlations, the steadiest first."""
    matrices: dict[str, pd.DataFrame] = field(default_factory=dict)
    """By method, the rank correlation of every two samples."""
    lacking: tuple[str, ...] = ()
    """Titles of methods that cannot score this model on these sentences."""


def agreement(here: Workspace, rankings: Mapping[str, Ranking]) -> None:
    """The ways to score the heads, and how far the scores agree once two are known."""
    st.subheader("Do the methods agree?", anchor=False)
    scoring.offer(here)
    telling = list(scored.telling(rankings).values())
    if len(telling) < 2:
        return
    from analysis.agreement import correlation, opposed
    from analysis.comparison_figures import agreement_map

    matrix = correlation(telling)
    figure.show(
        agreement_map(matrix, _titles()),
        lambda: matrix.rename_axis("method").reset_index(),
        "agreement",
        key="agreement",
        alt="Rank correlation between every two methods",
    )
    reverse = opposed(matrix)
    alike = [each for each in telling if each.method not in reverse]
    said = "Rank correlation of the scores."
    if reverse:
        titles = listed([_titles()[each] for each in reverse])
        said += f" {titles} are orders and their reverse; they are left out below."
    st.caption(said)
    if len(alike) > 1:
        _in_common(here, alike)


def _in_common(here: Workspace, rankings: Sequence[Ranking]) -> None:
    """Which heads all of these methods keep, and remove, when a share of them stays."""
    from analysis.agreement import consensus

    share = st.segmented_control(
        "Heads that stay",
        SHARES,
        default=0.5,
        format_func=lambda each: f"{each:.0%}",
        key="in_common",
        required=True,
    )
    found = consensus(rankings, here.anatomy, round(share * here.anatomy.heads_total))
    which = "Both methods" if len(rankings) == 2 else f"All {len(rankings)} methods"
    st.markdown(
        f"{which} keep {listed(list(map(name, found.kept))) or 'no head in common'}.  \n"
        f"{which} remove {listed(list(map(name, found.dropped))) or 'no head in common'}."
    )


def steadiness(here: Workspace) -> Job[Steadiness]:
    """How far every quick method agrees with itself between samples of the calibration split."""
    return work.desk.ask(
        (here.key, "steadiness"),
        lambda: _comparing(here),
        owner=current().id,
        kind="steadiness",
        title="Scores of the heads on other sentences",
        is_lasting=True,
    )


def stability(here: Workspace) -> None:
    """The button that starts the comparison between calibration samples, and what it found."""
    st.subheader("Would other sentences give the same scores?", anchor=False)
    job = work.desk.find((here.key, "steadiness"))
    if job is None:
        st.button("How stable are these scores?", on_click=work.start(steadiness, here))
        st.caption("Every quick method scores the heads again on parts of the calibration split.")
        return
    if (found := job.answer) is None:
        frame.follow(job, "stability")
        return
    from analysis.agreement import SAMPLES

    columns = {
        name: st.column_config.NumberColumn(format="%.2f") for name in ("mean", "lowest pair")
    }
    st.dataframe(found.table, hide_index=True, key="stability", column_config=columns)
    st.caption(
        f"Rank correlation of a method's scores between {SAMPLES} parts of the calibration split that share no "
        "sentence: near 1 the order of the heads belongs to the model (always so for a method that reads no "
        "sentences), near 0 to the sentences that happened to be drawn."
    )
    if found.lacking:
        st.caption(
            f"Not among them: {listed(list(found.lacking))}, which need labels or derivatives that are not there."
        )
    if found.matrices:
        _samples(found)


def _samples(found: Steadiness) -> None:
    """One method's samples, every two against each other."""
    from analysis.comparison_figures import agreement_map

    titles = _titles()
    method = setting(
        "steady",
        list(found.matrices),
        st.selectbox,
        label="Samples scored by",
        format_func=titles.__getitem__,
        width=320,
    )
    matrix = found.matrices[method]
    figure.show(
        agreement_map(matrix),
        lambda: matrix.rename_axis("sample").reset_index(),
        f"stability-{method}",
        key="samples",
        alt=f"Rank correlation of the scores by {titles[method]} between every two samples",
    )


def _titles() -> dict[str, str]:
    return {method: each.title for method, each in views.methods().items()}


def _comparing(here: Workspace) -> Iterator[Step[Steadiness]]:
    import pandas as pd

    from analysis import agreement as agreements
    from analysis.errors import MethodError
    from analysis.text import Calibration

    split = here.data.split("calibration")
    assert isinstance(split, Calibration)
    methods = [
        each for each in views.methods().values() if not each.long and each.name != scored.CHANCE
    ]
    rows: list[dict[str, Any]] = []
    matrices: dict[str, pd.DataFrame] = {}
    lacking: list[str] = []
    for number, method in enumerate(methods, 1):
        try:
            matrix = agreements.stability(here.subject, split, method.name)
        except MethodError:  # labels or derivatives that are not there; the others can be compared
            lacking.append(method.title)
        else:
            pairs = pd.Series(matrix.to_numpy()[np.triu_indices(len(matrix), 1)])
            rows.append({"method": method.title, "mean": pairs.mean(), "lowest pair": pairs.min()})
            matrices[method.name] = matrix
        table = pd.DataFrame(rows, columns=["method", "mean", "lowest pair"])
        ordered = table.sort_values("mean", ascending=False, ignore_index=True)
        found = Steadiness(ordered, dict(matrices), tuple(lacking))
        yield Step(number, len(methods), "methods", found)
