"""The parts of one head's page: which head, what it is, where it looks, and its look-alikes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from analysis.mask import Head, name
from analysis.ui import cells, close_up, figure, frame, views
from analysis.ui.jobs import Job
from analysis.ui.parts import go
from analysis.ui.resources import Workspace
from analysis.ui.state import current
from analysis.ui.switchboard import reported_choice, switchboard
from analysis.ui.widgets import maps_column

if TYPE_CHECKING:
    import pandas as pd

    from analysis.profiling import Profile

SAID = 5
"""Sentences about what is most unusual about a head."""
ALIKE = 5
"""Look-alikes that are shown."""


def choose(head: Head) -> None:
    """Show this head from now on; for a widget's callback."""
    current().choices["head"] = f"{head[0]}.{head[1]}"
    current().revision += 1


def offer(chart: str) -> None:
    """A way to the page of the head whose point was clicked in a chart, while it alone is selected.

    Args:
        chart: key of a chart drawn with `on_select="rerun"`, whose points carry `[layer, head]`.
    """
    points = st.session_state[chart].selection.points if chart in st.session_state else []
    named = [point["customdata"] for point in points if "customdata" in point]
    if len(named) != 1:  # several are a choice of another kind
        return
    open_page((int(named[0][0]), int(named[0][1])), key=f"{chart}-open")


def open_page(head: Head, *, key: str, **how: Any) -> None:
    """A button to a head's page; `how` is passed on to `st.button`."""
    told = f"Open the page of {name(head)}"
    st.button(told, key=key, on_click=_visit, args=(head,), **how)


def _visit(head: Head) -> None:
    choose(head)
    go("pages/head.py")


def picker(here: Workspace, profile: Profile) -> Head:
    """The small board on which a head is chosen."""
    session = current()

    def pick() -> None:
        found = reported_choice("one_head", here.anatomy, session.revision)
        if found is not None:
            session.choices["head"] = f"{found[0]}.{found[1]}"

    assert session.mask is not None
    switchboard(
        session.mask,
        key="one_head",
        revision=session.revision,
        on_report=pick,
        mode="choose",
        chosen=session.head(),
        colouring=views.colouring(profile.table, views.statistics()["entropy"]),
        label="Heads by layer; choose the one to look at",
        titles=here.anatomy.stacks,
    )
    return session.head()


def portrait(profile: Profile, head: Head) -> None:
    """What the head is: its statistics against all other heads, in words."""
    from analysis.portrait import standings

    found = standings(profile.table, views.statistics().values(), head)
    st.markdown(
        f"**{name(head)}** " + "".join(f"\n- {standing.sentence}." for standing in found[:SAID])
    )
    st.caption(
        f"The most unusual first. Means over {profile.n:,} sentences of the {profile.split} split; ± holds the "
        "true mean in 95 of 100 samples of sentences."
    )


def standing_picture(profile: Profile, head: Head) -> None:
    """All heads as dots by every statistic, this one marked."""
    from analysis import head_figures

    table = profile.table
    varied = [each for each in views.statistics().values() if table[each.name].nunique() > 1]
    if not varied:
        st.caption("This model has a single head: there is nothing to compare it with.")
        return
    figure.show(
        head_figures.strips(table, varied, head),
        table,
        "heads",
        key="strips",
        alt=f"All heads as dots by every statistic, {name(head)} marked",
    )
    st.caption(
        "A dot is a head; its whisker is the interval of its mean. Dots closer than that could trade places."
    )


def looks(here: Workspace, head: Head) -> None:
    """Where the head looks: on average, and in a sentence of each tenth by its entropy."""
    left, right = st.columns([2, 5], gap="medium")
    with left:
        st.markdown("**On average**")
        average = cells.patterns(here)
        frame.live(lambda: _pattern(average, head), average)
    with right:
        st.markdown("**In ten sentences, from focused to diffuse**")
        job = close_up.examples(here, head)
        frame.live(lambda: _examples(job), job)


def alike(here: Workspace, head: Head) -> None:
    """The heads that do nearly the same, each a click away."""
    job, average = close_up.likeness(here), cells.patterns(here)
    frame.live(lambda: _alike(job, average, head), job, average)


def _pattern(job: Job[Any], head: Head) -> None:
    if (found := _answer(job)) is None:
        return
    from analysis import head_figures

    weights = found.weights[head[0]][head[1]].numpy()
    figure.show(
        head_figures.pattern(weights),
        lambda: _long({name(head): weights}),
        f"pattern-{name(head)}",
        key="pattern",
        alt=f"Mean attention pattern of {name(head)}",
    )
    st.caption(f"Mean over {found.n:,} sentences, each stretched to the same square.")


def _examples(job: Job[Any]) -> None:
    if (found := _answer(job)) is None:
        return
    from analysis import head_figures

    titles = {f"{each.decile}: entropy {each.entropy:.2f}": each for each in found}
    maps = {title: each.weights.numpy() for title, each in titles.items()}
    figure.show(
        head_figures.gallery(maps, {title: each.tokens for title, each in titles.items()}),
        lambda: _long(maps),
        "examples",
        key="examples",
        alt="The head's maps of ten sentences, from the most focused to the most diffuse",
    )
    import pandas as pd

    rows = pd.DataFrame(
        [
            {
                "maps": ":material/visibility: Maps",
                "tenth": each.decile,
                "entropy": each.entropy,
                "sentence": each.text,
            }
            for each in found
        ]
    )
    columns: dict[str, Any] = {
        "maps": maps_column("example_open", [each.text for each in found]),
        "tenth": st.column_config.NumberColumn("Tenth", width=60),
        "entropy": st.column_config.NumberColumn("Entropy", format="%.2f", width=70),
        "sentence": st.column_config.TextColumn("Sentence", width="large"),
    }
    st.dataframe(rows, hide_index=True, height=215, column_config=columns, key="example_rows")
    st.caption(
        "The middle sentence of each tenth of the calibration sentences by this head's entropy, so that ordinary "
        "sentences are seen too, not only the extremes."
    )


def _alike(job: Job[Any], average: Job[Any], head: Head) -> None:
    if (found := _answer(job)) is None:
        return
    nearest = found.nearest(head, ALIKE)
    if not nearest:
        st.caption("This model has a single head: it is like no other.")
        return
    with st.container(horizontal=True):
        for other, cosine in nearest:
            st.button(
                f"{name(other)} · {cosine:.2f}",
                key=f"alike-{name(other)}",
                on_click=choose,
                args=(other,),
                help=f"Open the page of {name(other)}",
            )
    if (patterns := average.answer) is not None:
        from analysis import head_figures

        maps = {
            f"{name(other)}, {cosine:.2f}": patterns.weights[other[0]][other[1]].numpy()
            for other, cosine in nearest
        }
        figure.show(
            head_figures.gallery(maps),
            lambda: _long(maps),
            f"alike-{name(head)}",
            key="alike",
            alt=f"Mean patterns of the heads most like {name(head)}",
        )
    st.caption(
        f"Mean cosine between the two heads' maps over {found.n:,} calibration sentences: 1 means that both look at "
        "the same tokens. Heads can look alike and still say different things: their values differ."
    )


def _answer(job: Job[Any]) -> Any:
    """The job's answer, or its progress or error and None."""
    if job.answer is None:
        frame.bar(job) if job.is_open else frame.follow(job, job.kind)
    return job.answer


def _long(maps: Any) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        [
            {"map": title, "query": query, "key": key, "weight": weight}
            for title, weights in maps.items()
            for query, row in enumerate(weights.tolist())
            for key, weight in enumerate(row)
        ]
    )
