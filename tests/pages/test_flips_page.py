"""The prune page's flips and the person's own sentence."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from analysis.flips import Chance
from analysis.ui import flips, tryout

OFF = "f.0.1"


def table(opened) -> pd.DataFrame:
    return next(entry.value for entry in opened.at.dataframe if "probability_after" in entry.value)


def test_the_changed_answers_are_counted_listed_and_judged(tab) -> None:
    opened = tab(off=OFF).visit("prune")
    said = opened.said()
    rows = table(opened)
    assert f"{len(rows):,} of" in said
    assert "exact McNemar test" in said
    assert set(rows["what"]) == {"became wrong", "became right"}
    assert rows["change"].abs().is_monotonic_decreasing


def test_search_and_filters_narrow_the_list_and_say_when_nothing_is_left(tab) -> None:
    opened = tab(off=OFF).visit("prune")
    everything = table(opened)
    opened.at.text_input(key="flips_query").set_value("FILM")
    found = table(opened.run())
    assert 0 < len(found) < len(everything)
    assert found["text"].str.contains("film").all()
    opened.at.text_input(key="flips_query").set_value("(.*")
    assert "change the search" in opened.run().said()
    opened.at.text_input(key="flips_query").set_value("")
    opened.at.selectbox(key="flips_label").select("positive")
    assert set(table(opened.run())["label"]) == {"positive"}


def test_nearly_changed_and_moved_most_keep_their_answers(tab) -> None:
    opened = tab(off=OFF).visit("prune")
    for view in flips.VIEWS[1:]:
        opened.at.segmented_control(key="flips_view").set_value(view)
        rows = table(opened.run())
        assert set(rows["what"]) == {"same"}
        assert (rows["answer_before"] == rows["answer_after"]).all()


def test_without_a_mask_the_page_says_what_to_do(tab) -> None:
    assert "switch some off to see which answers change" in tab().visit("prune").said()


def test_the_columns_bear_the_names_of_what_is_compared(monkeypatch) -> None:
    rows = pd.DataFrame([{"what": "broken", "text": "good", "words": 1}])
    drawn: dict = {}
    stand_in = SimpleNamespace(
        column_config=flips.st.column_config,
        dataframe=lambda *_, **how: drawn.update(how),
        session_state={},
    )
    monkeypatch.setattr(flips, "st", stand_in)
    flips._table(rows, ("half", "a name that is longer than a column has room for"), "pair")
    labels = {
        name: column["label"] for name, column in drawn["column_config"].items() if name != "maps"
    }
    assert labels["probability_before"] == "half"
    assert labels["probability_after"] == "a name that is longer t…"
    assert labels["answer_after"] == "Answer: a name that is longer t…"
    assert not {"Before", "Now", "Answer now"} & set(labels.values())


@pytest.mark.parametrize(
    ("broken", "decided", "said"),
    [(9, 10, "not chance alone"), (5, 10, "could be chance alone"), (0, 0, "went from one wrong")],
)
def test_the_sentence_on_chance_follows_the_interval(broken, decided, said) -> None:
    chance = Chance(broken, decided, 2 if decided else 0, 8 if decided else 0, 0.02)
    assert said in flips.certainty(chance, decided or 3, 100)


def test_no_flips_is_said_in_one_sentence() -> None:
    assert flips.certainty(Chance(0, 0, 0, 0, 1.0), 0, 1072) == "None of 1,072 answers changed."


def test_a_sentence_of_ones_own_is_answered_with_and_without_the_heads(tab) -> None:
    opened = tab(off=OFF).visit("prune")
    assert "Write a sentence to see" in opened.said()
    opened.box("own_text", "text_input").set_value("the plot is not **very** good")
    said = opened.run().settle().said()
    assert "tokens, special ones included" in said
    assert "answers **" in said
    assert opened.session.choices["text"] == "the plot is not **very** good"


def test_a_disagreement_names_both_masks() -> None:
    found = SimpleNamespace(names=("all", "a*b"), answers=("good", "bad"))
    assert tryout.told(found) == r"**all** answers **good**, **a\*b** answers **bad**."
