"""A click on a curve or on the frontier opens that mask, and plans stand beside the swept masks."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from analysis.mask import HeadMask
from analysis.plan import Plan
from analysis.store import Store
from analysis.ui import frontier, results, work
from analysis.ui.comparison import Comparison
from analysis.ui.desk import Desk
from analysis.ui.plans import shelf
from analysis.ui.state import DEFAULTS, Session

ANATOMY = SimpleNamespace(heads=(4, 4, 4))
TABLE = pd.DataFrame(
    {
        "method": ["magnitude", "random", "random"],
        "mask": ["1.0.0", "0.3.0", "0.0.f"],
        "fraction": [0.1, 0.2, 0.3],
        "accuracy": [0.8, 0.7, 0.6],
        "latency_ratio": [1.1, 1.2, 1.3],
        "repair": ["none", "none", "mean"],
    }
)


@pytest.mark.parametrize(
    ("customdata", "code", "title", "repair"),
    [
        (0, "1.0.0", "Magnitude", "none"),
        ([2], "0.0.f", "Random", "mean"),
    ],
)
def test_a_clicked_point_is_its_mask(customdata, code: str, title: str, repair: str) -> None:
    points = [{"curve_number": 0}, {"customdata": customdata}]
    picked = results.mask_of_point(points, TABLE, ANATOMY)
    assert picked == (HeadMask.decode(ANATOMY, code), title, repair)


@pytest.mark.parametrize("points", [[], [{"curve_number": 1, "x": 1.0}]])
def test_a_click_beside_the_points_opens_nothing(points) -> None:
    assert results.mask_of_point(points, TABLE, ANATOMY) is None


def test_every_point_of_the_frontier_opens_the_mask_or_the_plan_that_it_shows() -> None:
    mine = SimpleNamespace(id="4f", mask=HeadMask.decode(ANATOMY, "8.0.1"))
    found = SimpleNamespace(get=lambda id: mine if id == mine.id else None)
    plans = pd.DataFrame({"id": ["4f"], "name": ["mine"], "accuracy": 0.75, "latency_ratio": 1.25})
    swept, best, stars = frontier.drawn(TABLE, plans).data
    points = [[{"customdata": each}] for each in swept.customdata]
    opened = [results.mask_of_point(each, TABLE, ANATOMY) for each in points]
    assert [mask.encode() for mask, *_ in opened] == list(TABLE["mask"])
    assert [frontier.plan_of_point(each, found) for each in points] == [None] * 3
    (star,) = stars.customdata
    assert frontier.plan_of_point([{"customdata": star}], found) is mine
    assert results.mask_of_point([{"customdata": star}], TABLE, ANATOMY) is None
    assert best.customdata is None


def test_many_plans_are_named_on_hover_only() -> None:
    names = [f"plan {number}" for number in range(frontier.NAMED + 1)]
    plans = pd.DataFrame({"id": names, "name": names, "accuracy": 0.7, "latency_ratio": 1.2})
    assert frontier.drawn(TABLE, plans).data[-1].mode == "markers"
    assert frontier.drawn(TABLE, plans[:-1]).data[-1].mode == "markers+text"


TIMED = {"methods": "magnitude", "sentences": "all", "timed": "on"}


def stars(opened) -> list[str]:
    """The names of the plans on the figure."""
    spec = next(
        each.proto.spec for each in opened.at.get("plotly_chart") if "frontier" in each.proto.id
    )
    trace = next((each for each in json.loads(spec)["data"] if each["name"] == "plans"), {})
    return trace.get("text", [])


def test_a_mask_put_on_the_frontier_is_a_plan_that_others_see_and_open(tab) -> None:
    opened = tab(**TIMED, off="3.0.1").visit("curves").press("Draw")
    assert stars(opened) == []
    opened.press("Put the current mask on this figure")
    (plan,) = Store().plans.all()
    assert plan.mask.encode() == "3.0.1"
    assert stars(opened) == [plan.name] == ["9 of 12 heads"]
    assert "times faster" in opened.said()
    assert all(button.disabled for button in opened.at.button if button.label.startswith("Put"))

    after_a_reload = tab(**TIMED, ablation="mean").visit("curves").press("Draw")
    assert stars(after_a_reload) == ["9 of 12 heads"]
    after_a_reload.press("Open").visit("prune")
    assert "shows the plan **9 of 12 heads**" in after_a_reload.said()
    assert after_a_reload.session.mask == plan.mask
    assert after_a_reload.session.query().get("ablation") is None


def test_a_click_on_a_star_opens_its_plan(tab, monkeypatch) -> None:
    opened = tab(off="3.0.1")
    here = opened.session.here
    where = {"data": shelf.data_key(here), "data_name": here.data.name}
    mask, fingerprint = opened.session.mask, here.subject.fingerprint
    plan = Store().plans.keep(Plan("mine", here.subject.spec, fingerprint, mask, "mean"), **where)
    points = [{"customdata": [f"{frontier.PLAN}{plan.id}"]}]
    state = {frontier.CHART: SimpleNamespace(selection=SimpleNamespace(points=points))}
    monkeypatch.setattr(frontier.st, "session_state", state)
    monkeypatch.setattr(shelf, "current", lambda: opened_session)
    opened_session = Session(mask=HeadMask.full(mask))
    went: list[str] = []
    monkeypatch.setattr(results, "go", went.append)
    frontier.open_point(TABLE, shelf.Shelf((plan,)))
    assert opened_session.mask == plan.mask
    assert opened_session.choices["plan"] == plan.id
    assert opened_session.choices["ablation"] == "mean"
    assert went == ["pages/prune.py"]


def test_plans_that_were_never_measured_can_be_measured_there(tab) -> None:
    opened = tab(**TIMED, off="3.0.1").visit("prune").press("Keep this mask as a plan")
    opened.visit("curves").press("Draw")
    assert "not measured yet" in opened.said()
    opened.press("Measure the plans")
    assert stars(opened) == ["9 of 12 heads"]
    assert not [button for button in opened.at.button if button.label.startswith("Measure")]


def test_the_page_says_how_each_method_stands_against_chance(tab) -> None:
    opened = tab(methods="magnitude random", sentences="all").visit("curves").press("Draw")
    assert "Which method is really better?" in opened.said()
    assert "20 random masks of the same size are what a method must beat" in opened.said()
    table = opened.at.dataframe[0].value
    assert list(table["method"]) == ["Magnitude"]
    assert table[["percentile", "p_random_holm", "p_full_holm"]].notna().all(axis=None)
    assert set(table["negligible"]) <= {"yes", "no", "undecided"}
    assert "cannot show that a loss is below 1 point," in opened.said()
    margin = next(
        each for each in opened.at.number_input if each.label == "Points that may be lost"
    )
    margin.set_value(20.0).run()
    (row,) = opened.at.dataframe[0].value.itertuples()
    wanted = "yes" if row.change_low > -20 else "no" if row.change_high < -20 else "undecided"
    assert row.negligible == wanted
    assert "cannot show" not in opened.said()


def test_a_search_on_these_sentences_claims_nothing(tab) -> None:
    opened = tab(methods="greedy random", fractions="0.5").visit("curves").press("Draw")
    (row,) = opened.at.dataframe[0].value.itertuples()
    assert row.negligible == "chosen here"
    assert "Greedy search: masks or weights were chosen by these very sentences" in opened.said()
    assert pd.isna(row.percentile)


def test_a_cancelled_sweep_goes_on_and_measures_no_row_twice(tab, desk, monkeypatch) -> None:
    from analysis import sweep_work

    measured, stopped, plain = [], [], sweep_work.Work._evaluated

    def evaluated(doing, mask, kind):
        measured.append(mask)
        if len(measured) == 3:
            stopped.extend(desk.open_jobs())
            stopped[0].stop()
        return plain(doing, mask, kind)

    monkeypatch.setattr(sweep_work.Work, "_evaluated", evaluated)
    query = {"methods": "random", "sentences": "all", "fractions": "0.5"}
    opened = tab(**query).visit("curves").press("Draw")
    assert [job.state for job in stopped] == ["cancelled"]
    opened.press("Draw")
    assert "All numbers" in opened.said()
    assert len(measured) == 21  # one was stopped in its middle
    monkeypatch.setattr(work, "desk", Desk())  # the server was started anew
    assert "All numbers" in tab(**query).visit("curves").press("Draw").said()
    assert len(measured) == 21


def test_one_more_method_measures_nothing_anew(tab, monkeypatch) -> None:
    from analysis import sweep_work

    measured, plain = [], sweep_work.Work._evaluated
    monkeypatch.setattr(
        sweep_work.Work, "_evaluated", lambda *given: measured.append(given) or plain(*given)
    )
    tab(methods="magnitude", fractions="0.5").visit("curves").press("Draw")
    more = tab(methods="magnitude taylor", fractions="0.5").visit("curves").press("Draw")
    assert set(more.at.dataframe[-1].value["method"]) == {"magnitude", "taylor"}
    assert len(measured) == 2


def test_curves_of_other_shares_repairs_and_weights_are_asked_for_by_a_link(tab) -> None:
    query = {"methods": "hies", "fractions": "0.25 0.6", "curve_repair": "mean", "tuned": "on"}
    opened = tab(**query).visit("curves").press("Draw")
    table = opened.at.dataframe[-1].value
    assert list(table["fraction"]) == [0.25, 0.6]
    assert set(table["repair"]) == {"mean"}
    assert "heads are removed and the rest is repaired by mean" in opened.said()
    assert opened.session.query().items() >= query.items()
    (sweep,) = work.desk.done("sweep")
    asked = Comparison.asked(opened.session.choices)
    assert asked.tuned
    assert sweep.key == work.sweep_key(opened.session.here, asked)


def test_an_unknown_method_of_a_link_is_left_out_of_what_is_drawn(tab) -> None:
    opened = tab(methods="foo magnitude", fractions="0.5").visit("curves")
    assert "unknown methods 'foo'" in opened.said()
    assert set(opened.press("Draw").at.dataframe[-1].value["method"]) == {"magnitude"}


def test_more_random_masks_are_drawn_on_request(tab) -> None:
    opened = tab(methods="random", fractions="0.5", masks="100").visit("curves")
    assert len(opened.press("Draw").at.dataframe[-1].value) == 100


def test_the_first_look_is_the_sweep_of_the_package() -> None:
    from analysis.sweep import FRACTIONS, SEEDS

    asked = Comparison.asked(DEFAULTS)
    assert asked == Comparison(tuple(DEFAULTS["methods"].split()))
    assert asked.fractions == FRACTIONS
    assert asked.options["seeds"] == SEEDS
    repaired = {"curve_repair": "mean", "ablation": "mean"}
    assert Comparison.asked({**DEFAULTS, **repaired}).ablation == "zero"
    junk = {"sentences": "x", "masks": "-1", "fractions": "0.5 x 7"}
    assert Comparison.asked({**DEFAULTS, **junk}).fractions == (0.5,)


def test_equal_comparisons_have_one_key_and_all_of_a_source_share_their_rows() -> None:
    one, other = Comparison(("taylor", "random")), Comparison(("random", "taylor"))
    assert one.key == other.key
    assert one.place("model/data", "a") == other.place("model/data", "b")
    kinds = ({"masks": 100}, {"repair": "mean"}, {"tuned": True}, {"limit": 5})
    changed = [replace(one, **each) for each in (*kinds, {"fractions": (0.5,)})]
    assert len({each.key for each in [one, *changed]}) == len(changed) + 1
    assert len({each.place("model/data", "a") for each in [one, *changed]}) == 1
    assert one.place("model/data", "a") != one.place("other/data", "a")
    timed = replace(one, timed=True)
    assert timed.place("model/data", "a") != timed.place("model/data", "b")


def test_curves_that_were_not_timed_have_no_frontier(tab) -> None:
    opened = tab(methods="magnitude", sentences="all", column="latency_ratio").visit("curves")
    said = opened.press("Draw").said()
    assert "Timing takes longer" in said
    assert "Switch on “Time the smaller models too” above and draw again" in said
    assert "Put the current mask on this figure" not in [each.label for each in opened.at.button]
    assert opened.at.dataframe[-1].value["latency_ratio"].isna().all()
    assert next(each.value for each in opened.at.selectbox if each.label == "Show") == "accuracy"


def test_a_click_changes_the_sessions_mask_and_says_so(monkeypatch) -> None:
    session = SimpleNamespace(here=SimpleNamespace(anatomy=ANATOMY), notices=[], changed=[])
    session.change = session.changed.append
    event = SimpleNamespace(selection=SimpleNamespace(points=[{"customdata": 0}]))
    monkeypatch.setattr(results, "current", lambda: session)
    went: list[str] = []
    monkeypatch.setattr(results.st, "session_state", {"frontier": event})
    monkeypatch.setattr(results, "go", went.append)
    results.open_point(TABLE, "frontier")
    assert [mask.encode() for mask in session.changed] == ["1.0.0"]
    assert went == ["pages/prune.py"]
    assert session.notices == ["The switchboard now shows Magnitude with 11 of 12 heads on."]
    results.open_point(TABLE.assign(repair="mean"), "frontier")
    assert "measured after the repair mean" in session.notices[-1]
