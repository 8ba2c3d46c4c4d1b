"""The heads page's scores: by every quick method at once, as statistics of a head, and how far they agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from analysis.mask import name
from analysis.progress import Step
from analysis.statistics import Statistic
from analysis.ui import figure, frame, views, work
from analysis.ui.jobs import Job
from analysis.ui.resources import Workspace
from analysis.ui.state import current

if TYPE_CHECKING:
    import pandas as pd

    from analysis.scores import Ranking


def scores(here: Workspace) -> Job[dict[str, Ranking]]:
    """The rankings by every method that takes a few passes."""
    return work.desk.ask(
        (here.key, "scores"),
        lambda: _scoring(here),
        owner=current().id,
        kind="scores",
        title="Scores of the heads by every quick method",
        is_lasting=True,
    )


def known(here: Workspace) -> dict[str, Ranking]:
    """The rankings, if they were asked for and are done."""
    job = work.desk.find((here.key, "scores"))
    return (job.answer or {}) if job is not None else {}


def statistics(rankings: Mapping[str, Ranking]) -> dict[str, Statistic]:
    """Each ranking as a statistic of a head: its place in the order."""
    methods = views.methods()
    return {
        f"score_{method}": Statistic(
            f"score_{method}",
            f"Score: {methods[method].title}",
            "place in the order",
            0,
            1,
            f"{methods[method].meaning} 1 is kept longest, 0 goes first.",
        )
        for method in rankings
    }


def joined(table: pd.DataFrame, rankings: Mapping[str, Ranking]) -> pd.DataFrame:
    """The statistics' table with a column for each ranking, which has no standard error."""
    columns: dict[str, Any] = {}
    for method, ranking in rankings.items():
        places = ranking.values["score"].rank(method="average") - 1
        columns[f"score_{method}"] = places / max(len(places) - 1, 1)
        columns[f"score_{method}_se"] = float("nan")
    return table.assign(**columns)


def agreement(here: Workspace, rankings: Mapping[str, Ranking]) -> None:
    """The button that starts the scores, and how far they agree once they are known."""
    st.subheader("Do the methods agree?", anchor=False)
    if not rankings:
        job = work.desk.find((here.key, "scores"))
        if job is not None and job.is_open:
            frame.follow(job, "scores")
            return
        st.button("Score the heads by every quick method", on_click=work.start(scores, here))
        st.caption("A few passes over the calibration split. The scores then join the maps above.")
        return
    from analysis.agreement import consensus, correlation
    from analysis.comparison_figures import agreement_map

    titles = {method: each.title for method, each in views.methods().items()}
    matrix = correlation(list(rankings.values()))
    figure.show(
        agreement_map(matrix, titles),
        lambda: matrix.rename_axis("method").reset_index(),
        "agreement",
        key="agreement",
        alt="Rank correlation between every two methods",
    )
    half = consensus(list(rankings.values()), here.anatomy, here.anatomy.heads_total // 2)
    st.caption(
        f"Rank correlation of the scores. When half of the heads stay, all {len(rankings)} methods keep "
        f"{', '.join(map(name, half.kept)) or 'no head in common'} and remove "
        f"{', '.join(map(name, half.dropped)) or 'none in common'}."
    )


def stabilities(here: Workspace) -> Job[pd.DataFrame]:
    """How far every quick method agrees with itself between samples of the calibration split."""
    return work.desk.ask(
        (here.key, "stability"),
        lambda: _comparing(here),
        owner=current().id,
        kind="stability",
        title="Scores of the heads on other sentences",
        is_lasting=True,
    )


def stability(here: Workspace) -> None:
    """The button that starts the comparison between calibration samples, and its table."""
    st.subheader("Would other sentences give the same scores?", anchor=False)
    job = work.desk.find((here.key, "stability"))
    if job is None:
        st.button("How stable are these scores?", on_click=work.start(stabilities, here))
        st.caption("Every quick method scores the heads again on parts of the calibration split.")
        return
    if (table := job.answer) is None:
        frame.follow(job, "stability")
        return
    from analysis.agreement import SAMPLES

    columns = {
        name: st.column_config.NumberColumn(format="%.2f") for name in ("mean", "lowest pair")
    }
    st.dataframe(table, hide_index=True, key="stability", column_config=columns)
    st.caption(
        f"Rank correlation of a method's scores between {SAMPLES} parts of the calibration split that share no "
        "sentence: near 1 the order of the heads belongs to the model (always so for a method that reads no "
        "sentences), near 0 to the sentences that happened to be drawn."
    )


def _comparing(here: Workspace) -> Iterator[Step[pd.DataFrame]]:
    import pandas as pd

    from analysis import agreement as agreements
    from analysis.errors import MethodError
    from analysis.text import Calibration

    split = here.data.split("calibration")
    assert isinstance(split, Calibration)
    methods = [each for each in views.methods().values() if not each.long and each.name != "random"]
    rows: list[dict[str, Any]] = []
    for number, method in enumerate(methods, 1):
        try:
            matrix = agreements.stability(here.subject, split, method.name)
        except MethodError:
            pass  # as in `_scoring`
        else:
            pairs = pd.Series(matrix.to_numpy()[np.triu_indices(len(matrix), 1)])
            rows.append({"method": method.title, "mean": pairs.mean(), "lowest pair": pairs.min()})
        table = pd.DataFrame(rows, columns=["method", "mean", "lowest pair"])
        ordered = table.sort_values("mean", ascending=False, ignore_index=True)
        yield Step(number, len(methods), "methods", ordered)


def _scoring(here: Workspace) -> Iterator[Step[dict[str, Ranking]]]:
    from analysis.errors import MethodError
    from analysis.scores import QUICK, ranking

    found: dict[str, Ranking] = {}
    methods = [method for method in QUICK if method != "random"]
    for number, method in enumerate(methods, 1):
        try:
            for step in ranking(here.subject, here.data, method):
                if step.result is not None:
                    found[method] = step.result
        except MethodError:
            pass  # labels or derivatives that are not there; the others can still be compared
        yield Step(number, len(methods), "methods", found if number == len(methods) else None)
