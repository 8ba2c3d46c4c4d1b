"""The heads page gains every score, by a button or a link, and says how far scores depend on the sentences."""

from __future__ import annotations

import pytest

from analysis.scores import METHODS, QUICK
from analysis.ui import computing, work

LONG = [name for name, method in METHODS.items() if method.long]


def numbers(opened):
    """The page's table of all numbers."""
    return next(each.value for each in opened.at.dataframe if "entropy" in each.value)


def chart(opened, key: str) -> str:
    """A chart as it was sent to the browser."""
    return next(each.proto.spec for each in opened.at.get("plotly_chart") if key in each.proto.id)


def test_a_score_that_costs_more_joins_the_map_the_scatter_and_the_agreement(tab) -> None:
    opened = tab().visit("heads")
    box = opened.at.selectbox(key="score_by")
    assert box.options == [f"{METHODS[name].title}: {METHODS[name].cost}" for name in LONG]
    box.select("leave-one-out")
    assert "Passes over the calibration split: 1 forward a head." in opened.run().said()
    opened.press("Score")
    assert numbers(opened)["score_leave-one-out"].between(0, 1).all()
    opened.press("Score the heads by every quick method")
    assert METHODS["leave-one-out"].title in chart(opened, "agreement")
    assert "leave-one-out" not in opened.at.selectbox(key="score_by").value
    opened.box("choice_statistic").select("score_leave-one-out")
    opened.box("choice_x").select("score_leave-one-out")
    opened.run().settle()
    assert METHODS["leave-one-out"].title in chart(opened, "scatter")
    assert "furthest from the full model" in opened.said()


def test_a_score_that_was_wanted_elsewhere_joins_too(tab) -> None:
    opened = tab(colour="score_leave-one-out").visit("prune").visit("heads")
    assert "score_leave-one-out" in numbers(opened)


def test_a_running_score_shows_its_progress_and_can_be_cancelled(tab, monkeypatch) -> None:
    from analysis.progress import Step

    def endless(*_):
        number = 0
        while True:
            number += 1
            yield Step(min(number, 99), 100, "masks")

    monkeypatch.setattr(computing, "ranking", endless)
    opened = tab().visit("heads")
    opened.at.selectbox(key="score_by").select("shapley")
    opened.run()
    next(button for button in opened.at.button if button.label == "Score").click()
    opened.run().run()
    (job,) = work.desk.open_jobs()
    assert job.title == "Scores of the heads by shapley"
    next(button for button in opened.at.button if button.label == "Cancel").click()
    opened.run().settle()
    assert job.state == "cancelled"
    assert "cancelled" in opened.said()
    assert "score_shapley" not in numbers(opened)


@pytest.mark.parametrize("place", ["statistic", "x", "y"])
def test_a_link_to_a_score_that_nobody_has_measured_measures_it(tab, place: str) -> None:
    opened = tab(**{place: "score_taylor"}).visit("heads")
    assert "not used" not in opened.said()
    assert opened.session.choices[place] == "score_taylor"
    assert opened.box(f"choice_{place}").value == "score_taylor"
    drawn = chart(opened, "map" if place == "statistic" else "scatter")
    assert ("place in the order" if place == "statistic" else "Score: Taylor") in drawn


def test_scores_that_are_sampled_say_how_far_they_can_be_trusted(tab) -> None:
    opened = tab(statistic="score_shapley").visit("heads")
    assert "standard error above" in opened.said()
    assert "standard error above" not in tab(statistic="score_taylor").visit("heads").said()


def test_a_link_to_three_scores_measures_all_of_them(tab) -> None:
    scores = {"statistic": "score_leave-one-out", "x": "score_taylor", "y": "score_random"}
    opened = tab(**scores).visit("heads")
    assert set(scores.values()) <= set(numbers(opened))
    assert all(chart(opened, each) for each in ("map", "scatter"))


def test_a_score_that_cannot_be_measured_says_why_wherever_it_was_wanted(tab, monkeypatch) -> None:
    from analysis.errors import MethodError

    def refuse(*_):
        raise MethodError("it needs labels")
        yield

    monkeypatch.setattr(computing, "ranking", refuse)
    opened = tab(statistic="score_taylor", x="score_taylor").visit("heads")
    places = ("the map", "the scatter", "where scores are started")
    assert [each.value for each in opened.at.error] == ["it needs labels"] * len(places)
    assert "All numbers" in opened.said()


def test_boards_may_be_quick_and_numbers_are_exact(tab, monkeypatch) -> None:
    wanted = {"auto": "bfloat16", "float32": "float32"}  # as on a processor made for it
    monkeypatch.setattr(computing, "shown_in", lambda here, precision: wanted[precision])

    def shown() -> list[str]:
        return [str(job.key[2]) for job in work.desk._jobs.values() if job.kind[:7] == "profile"]

    opened = tab().visit("prune")
    assert shown() == ["bfloat16"]
    opened.visit("heads")
    assert shown() == ["bfloat16", "float32"]
    exact = numbers(opened)
    opened.visit("prune").visit("heads")
    assert shown() == ["bfloat16", "float32"]
    assert numbers(opened).equals(exact)
    tab(precision="float32").visit("prune")
    assert shown() == ["bfloat16", "float32"]


def test_one_score_alone_agrees_with_nothing_yet(tab) -> None:
    opened = tab(statistic="score_magnitude").visit("heads")
    assert "Rank correlation of the scores." not in opened.said()
    assert any(button.label.startswith("Score the heads") for button in opened.at.button)


def test_stability_of_every_quick_method_comes_on_demand_with_the_samples_of_one(tab) -> None:
    opened = tab().visit("heads")
    assert len(opened.at.dataframe) == 1
    opened.press("How stable are these scores?")
    table = opened.at.dataframe[0].value
    assert set(table["method"]) == {METHODS[name].title for name in QUICK if name != "random"}
    assert table["mean"].between(-1, 1).all()
    assert (table["lowest pair"] <= table["mean"] + 1e-9).all()
    steady = table.set_index("method").loc[METHODS["magnitude"].title, "mean"]
    assert steady == pytest.approx(1)
    assert "share no sentence" in opened.said()
    focused = chart(opened, "samples")
    assert all(f"sample {number}" in focused for number in range(1, 6))
    opened.box("choice_steady").select("magnitude")
    opened.run().settle()
    assert chart(opened, "samples") != focused
    assert opened.session.query()["steady"] == "magnitude"


def test_methods_without_a_stability_are_named(tab, monkeypatch) -> None:
    from analysis import agreement
    from analysis.errors import MethodError

    plain = agreement.stability

    def refusing(subject, split, method):
        if method in ("taylor", "fisher"):
            raise MethodError("it needs labels")
        return plain(subject, split, method)

    monkeypatch.setattr(agreement, "stability", refusing)
    opened = tab().visit("heads").press("How stable are these scores?")
    assert "Not among them: Taylor, Fisher, which need labels" in opened.said()
    assert "Taylor" not in set(opened.at.dataframe[0].value["method"])
