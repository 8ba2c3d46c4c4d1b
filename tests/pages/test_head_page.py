"""One head's page, with a real small model."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from analysis.ui import one_head


def test_a_head_is_described_against_the_others(tab) -> None:
    opened = tab(head="2.1").visit("head")
    said = opened.said()
    assert "**L2.H1**" in said
    assert said.count("of the other heads") + said.count("every other head") >= one_head.SAID
    assert "sentences of the calibration split" in said


def test_sentences_of_every_tenth_are_listed_in_order(tab) -> None:
    opened = tab(head="0.3").visit("head")
    rows = next(entry.value for entry in opened.at.dataframe if "tenth" in entry.value)
    assert rows["tenth"].tolist() == list(range(1, 11))
    assert rows["entropy"].is_monotonic_increasing


def test_a_look_alike_is_a_click_away_and_in_the_link(tab) -> None:
    opened = tab(head="0.3").visit("head")
    other = next(b for b in opened.at.button if str(b.key).startswith("alike-"))
    wanted = other.label.split(" ")[0]
    other.click()
    opened.run().settle()
    layer, head = opened.session.head()
    assert f"L{layer}.H{head}" == wanted
    assert f"**{wanted}**" in opened.said()
    assert opened.session.query()["head"] == f"{layer}.{head}"


def test_what_the_model_loses_without_it_is_measured_when_asked(tab) -> None:
    opened = tab(head="1.2", off="f.0.0").visit("head")
    opened.press("Measure without L1.H2")
    said = opened.said()
    assert "answers became wrong" in said
    assert opened.metric("Points")
    assert opened.session.mask.encode() == "f.0.0"


def test_its_place_by_every_score_comes_with_the_scores(tab) -> None:
    opened = tab(head="1.2").visit("head").press("Score the heads by every quick method")
    assert "Methods that disagree" in opened.said()


def test_a_score_that_is_missing_is_started_on_the_heads_own_page(tab) -> None:
    opened = tab(head="1.2").visit("head")
    opened.at.selectbox(key="score_by").select("leave-one-out")
    opened.run().press("Score")
    (strips,) = [
        each.proto.spec for each in opened.at.get("plotly_chart") if "scores" in each.proto.id
    ]
    assert "Leave one out, divergence" in strips
    assert not any("Leave one out, div" in each for each in opened.at.selectbox[-1].options)


def test_a_head_that_the_model_does_not_have_is_told(tab) -> None:
    opened = tab(head="7.1").visit("head")
    assert "**L0.H0**" in opened.said()
    assert "no such head" in opened.said()


def test_the_head_that_was_switched_last_is_a_click_away_from_the_prune_page(tab) -> None:
    opened = tab(head="0.3").visit("prune")
    assert "Open the page of L0.H3" in [button.label for button in opened.at.button]
    opened.session.touched = (2, 1)
    opened.run().press("Open the page of L2.H1")
    assert opened.session.head() == (2, 1)


@pytest.mark.parametrize(
    ("points", "went"),
    [
        ([{"customdata": [2, 3]}], ["pages/head.py"]),
        ([{"customdata": [2, 3]}, {"customdata": [0, 0]}], []),
        ([{"x": 1}], []),
        ([], []),
    ],
)
def test_one_clicked_point_offers_its_heads_page(monkeypatch, points, went) -> None:
    found: list[str] = []
    session = SimpleNamespace(choices={}, revision=0)
    event = SimpleNamespace(selection=SimpleNamespace(points=points))

    def press(_: str, key: str, on_click, args) -> bool:
        on_click(*args)
        return True

    state = SimpleNamespace(session_state={"map": event}, button=press)
    monkeypatch.setattr(one_head, "st", state)
    monkeypatch.setattr(one_head, "go", found.append)
    monkeypatch.setattr(one_head, "current", lambda: session)
    one_head.offer("map")
    assert found == went
    assert session.choices == ({"head": "2.3"} if went else {})
