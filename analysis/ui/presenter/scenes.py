"""The five scenes: each asks for what it shows, draws it large, and says what it means and how sure it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from analysis.mask import HeadMask, name
from analysis.ui import board_picture, computing, figure, frame, presenter, views, work
from analysis.ui.examples import LONGEST
from analysis.ui.parts import part
from analysis.ui.presenter import pictures
from analysis.ui.resources import Workspace
from analysis.ui.state import current, write_link
from analysis.ui.switchboard import reported_mask, switchboard

if TYPE_CHECKING:
    import pandas as pd

    from analysis.scores import Ranking

METHOD = "taylor"
"""Ranks the heads: one pass forward and backward, and after repair none was seen to be better on the demo."""
ROLES = {
    "previous": "looks at the word before",
    "next": "looks at the word after",
    "sep": "rests on the end mark",
    "cls": "looks at the start mark",
    "punctuation": "looks at punctuation",
    "self": "looks at the word itself",
    "entropy": "spreads evenly",
}
"""What a head with a high value of a statistic does, in the order in which they are looked for."""
SHOWN = 4
"""Heads of the first scene."""
WORDS = (7, 12)
"""Words of the sentence that is shown when nobody has written one."""


def looking(here: Workspace) -> None:
    """The maps of a few heads that do something that has a name."""
    anatomy = here.anatomy
    st.title(
        f"{anatomy.heads_total} heads read every text. Some have habits that have a name.",
        anchor=False,
    )
    profile = frame.wait_for(work.profile(here))
    text = sentence(here)
    maps = frame.wait_for(work.maps(here, text, HeadMask.full(anatomy)))[0]
    chosen = habits(profile.table)
    presenter.show(
        pictures.maps(
            [
                (
                    name(head),
                    f"{told}, {100 * value:.0f} %",
                    maps.weights[head[0]][head[1]].float().numpy(),
                )
                for head, told, value in chosen
            ],
            maps.tokens,
        ),
        lambda: board_picture.several([head for head, _, _ in chosen], maps.weights, maps.tokens),
        "heads-with-habits",
    )
    st.markdown(
        "A row is a word that looks, bright is where it looks. "
        f"The shares are means over {profile.n:,} sentences of the data; in one text a head can do otherwise."
    )


def mattering(here: Workspace) -> None:
    """Every head by how much the answers depend on it."""
    st.title("The answers hang on some heads much more than on others.", anchor=False)
    ranking = frame.wait_for(work.ranking(here, METHOD))
    table, carried = places(ranking), carried_by_half(ranking)
    left, right = st.columns([5, 2], gap="large", vertical_alignment="center")
    with left:
        from analysis.report.heads import head_map
        from analysis.statistics import Statistic

        place = Statistic(
            "place", "Place", "place in the order", 0, 1, "1 matters most, 0 goes first."
        )
        mask = HeadMask.full(here.anatomy)
        presenter.show(
            head_map(table, place, mask, width=900, largest=80), table, "heads-that-matter"
        )
    with right:
        st.markdown(f"## {100 * carried:.0f} %")
        st.markdown("of all importance lies in the better half of the heads.")
        st.markdown(
            "Bright matters most: the loss changes most when that head is turned down. Scored on "
            f"{len(here.sentences('calibration')):,} sentences; heads of like rank would change places on others."
        )


def switching(here: Workspace) -> None:
    """The switchboard, live."""
    mask = story_mask(here)
    off = mask.heads_total - mask.heads_on
    st.title(
        f"We switch {off} of {mask.heads_total} heads off. Click one to change that.", anchor=False
    )
    part(lambda: _switches(here))


def happening(here: Workspace) -> None:
    """Accuracy before and after, with intervals."""
    mask = story_mask(here)
    off = mask.heads_total - mask.heads_on
    st.title(f"{off} heads are gone, and this is what became of the answers.", anchor=False)
    found = frame.wait_for(work.evaluation(here, mask))
    if found.baseline is None or found.flips is None:
        st.markdown("All heads are on. Go one step back and switch some off.")
        return
    left, right = st.columns([5, 2], gap="large", vertical_alignment="center")
    with left:
        presenter.show(
            pictures.accuracies(found.baseline, found),
            pictures.accuracy_table(found.baseline, found),
            "accuracy-before-and-after",
        )
    with right:
        st.markdown(f"## {len(found.flips.broken)}\nanswers became wrong,")
        st.markdown(f"## {len(found.flips.fixed)}\nbecame right, of {found.n:,}.")
    st.markdown(views.standing(found))
    st.caption(
        "The lines are 95 % intervals; the change is paired, sentence by sentence. Nothing was retrained or repaired, "
        "and the test split was not looked at."
    )


def gaining(here: Workspace) -> None:
    """What the really smaller model saves."""
    from analysis.removal import BATCH, LENGTH

    mask = story_mask(here)
    st.title("What is gained when these heads are really cut out?", anchor=False)
    if mask.is_full:
        st.markdown("All heads are on. Go back to the third step and switch some off.")
        return
    length = min(LENGTH, here.subject.max_length)
    found = frame.wait_for(work.speed(here, mask, batch=BATCH, length=length))
    ratio = found.latency.ratios[computing.PRUNED]
    low, high = found.latency.ratio_intervals[computing.PRUNED]
    costs = {"Operations": "flops", "Parameters": "parameters"}
    left = [(what, getattr(found.pruned, n) / getattr(found.full, n)) for what, n in costs.items()]
    rows = [("Time for a text", 1 / ratio), *left]
    picture, side = st.columns([5, 2], gap="large", vertical_alignment="center")
    with picture:
        presenter.show(
            pictures.shares(
                [(what, share, f"{100 * share:.0f} % of before") for what, share in rows]
            ),
            lambda: pictures.share_table(rows),
            "what-is-left-of-the-costs",
        )
    with side:
        st.markdown(f"## {ratio:.2f} ×")
        st.markdown(f"as fast ({low:.2f} to {high:.2f}), measured in turns on this computer.")
    masked = found.latency.ratios[computing.MASKED]
    st.markdown(
        f"Heads that are only switched off are still computed ({masked:.2f} × as fast): speed comes from removing "
        f"them.{doubt(low, high)} Most of a model is not attention, so there is a ceiling."
    )


def doubt(low: float, high: float) -> str:
    """What is to be said of a speed that is no sure gain, from the interval of its ratio (above 1 is faster)."""
    if low > 1:
        return ""
    if high < 1:
        return " Here the smaller model was the slower one, and the whole interval says so."
    return " The interval includes 1: that is no gain that could be told from chance."


def story_mask(here: Workspace) -> HeadMask:
    """The person's own mask when heads are off, otherwise the better half of the heads."""
    mask = current().mask
    if mask is not None and not mask.is_full:
        return mask
    ranking = frame.wait_for(work.ranking(here, METHOD))
    return ranking.mask(here.anatomy, here.anatomy.heads_total // 2)


def prepare(here: Workspace) -> None:
    """Ask for everything that the story needs, the next things first; nothing waits here."""
    work.profile(here)
    ranking = work.ranking(here, METHOD)
    mask = current().mask
    if mask is None or mask.is_full:
        if ranking.answer is None:
            return
        mask = ranking.answer.mask(here.anatomy, here.anatomy.heads_total // 2)
    work.evaluation(here, mask)


def sentence(here: Workspace) -> str:
    """The text that somebody wrote, or a short one of the data."""
    written = current().choices["text"][:LONGEST].strip()
    if written:
        return written
    texts = here.sentences("selection").texts
    low, high = WORDS
    return next((text for text in texts if low <= len(text.split()) <= high), texts[0])


def habits(table: pd.DataFrame) -> list[tuple[tuple[int, int], str, float]]:
    """The heads with the clearest habits: head, what it does, and the share of its attention that does so."""
    found: list[tuple[tuple[int, int], str, float]] = []
    for statistic, told in ROLES.items():
        values = table[statistic]
        if values.isna().all():
            continue
        place = int(values.to_numpy().argmax())
        head = (int(table["layer"].tolist()[place]), int(table["head"].tolist()[place]))
        if head not in [each for each, _, _ in found]:
            found.append((head, told, float(values.to_numpy()[place])))
    even = [each for each in found if each[1] == ROLES["entropy"]]
    clear = sorted((each for each in found if each not in even), key=lambda each: -each[2])
    return [*clear[: SHOWN - len(even)], *even]


def places(ranking: Ranking) -> pd.DataFrame:
    """Each head's place in the order, from 0 (goes first) to 1."""
    table = ranking.values
    order = table["score"].rank(method="first") - 1
    return table.assign(place=order / max(len(table) - 1, 1))


def carried_by_half(ranking: Ranking) -> float:
    """Share of the sum of all scores that the better half of the heads has, 0 to 1."""
    scores = ranking.values["score"].clip(lower=0).sort_values(ascending=False)
    total = float(scores.sum())
    return float(scores.head(len(scores) // 2).sum()) / total if total else 0.0


def _switches(here: Workspace) -> None:
    session = current()
    mask = story_mask(here)

    def take() -> None:
        changed = reported_mask("stage_board", here.anatomy, session.revision)
        if changed is not None:
            session.change(changed, by_grid=True)

    left, right = st.columns([5, 2], gap="large", vertical_alignment="center")
    with left:
        switchboard(
            mask,
            key="stage_board",
            revision=session.revision,
            on_report=take,
            label="Heads by layer; switch them on and off",
            titles=here.anatomy.stacks,
        )
        figure.save(
            lambda: board_picture.picture(mask),
            lambda: board_picture.numbers(mask),
            "heads-by-layer",
            key="stage_save",
        )
    job = work.evaluation(here, mask)
    with right:
        frame.live(lambda: _live(mask), job, patience=frame.FIRST)
    write_link()


def _live(mask: HeadMask) -> None:
    here = current().here
    assert here is not None
    job = work.evaluation(here, mask)
    found = job.result
    st.markdown(f"## {found.main.told if found else '…'}")
    st.markdown("of the answers are right" + (" so far" if job.is_open else "."))
    if found is not None and not job.is_open:
        change = found.change
        told = "" if change is None else f" {views.points(change.points)} points against all heads,"
        st.caption(f"{mask.heads_on} of {mask.heads_total} heads on,{told} {found.n:,} sentences.")
    elif job.is_open:
        frame.bar(job)


SCENES = (looking, mattering, switching, happening, gaining)
"""One for each of `presenter.STEPS`."""
