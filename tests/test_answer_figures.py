from __future__ import annotations

import pandas as pd
import pytest

from analysis import answer_figures
from analysis.tryout import Tryout

SENTENCES = pd.DataFrame(
    {
        "text": ["<b>good</b> film", "dull\nplot", "fine " * 60],
        "what": ["broken", "same", "fixed"],
        "probability_before": [0.9, 0.2, 0.4],
        "probability_after": [0.3, 0.1, 0.7],
    }
)
SUMMARY = pd.DataFrame(
    {
        "group": ["negative", "<i>positive</i>"],
        "n": [10, 20],
        "broken": [2, 1],
        "fixed": [1, 0],
        "other": [0, 0],
        "share": [0.3, 0.05],
        "low": [0.1, 0.01],
        "high": [0.6, 0.2],
    }
)


def test_every_sentence_is_a_point_and_flips_have_signs_of_their_own() -> None:
    figure = answer_figures.probabilities(SENTENCES, ("full", "off"))
    assert sum(len(trace.x) for trace in figure.data) == 3
    symbols = [trace.marker.symbol for trace in figure.data]
    assert len(set(symbols)) == 2 + ("circle" not in symbols)
    broken = next(trace for trace in figure.data if trace.name == "became wrong")
    assert (broken.x[0], broken.y[0]) == (0.9, 0.3)


def test_sentences_are_drawn_as_short_plain_text() -> None:
    figure = answer_figures.probabilities(SENTENCES, ("full", "<script>"))
    texts = [text for trace in figure.data for text in trace.text]
    assert "&lt;b&gt;good&lt;/b&gt; film" in texts
    assert all(len(text) <= answer_figures.SNIPPET + 20 for text in texts)
    assert "<" not in figure.layout.yaxis.title.text


def test_bars_are_shares_of_the_group_and_whiskers_its_interval() -> None:
    figure = answer_figures.by_group(SUMMARY)
    assert [trace.name for trace in figure.data] == [
        "became wrong",
        "became right",
        "95 % interval",
    ]
    assert list(figure.data[0].x) == pytest.approx([20, 5])
    whiskers = figure.data[-1]
    assert list(whiskers.x) == pytest.approx([30, 5])
    assert list(whiskers.error_x.array) == pytest.approx([30, 15])
    assert list(whiskers.error_x.arrayminus) == pytest.approx([20, 4])
    assert figure.data[0].y[1] == "&lt;i&gt;positiv…".replace("positiv…", "positive&lt;/i&gt;")


def test_an_answer_has_a_bar_for_each_mask_and_label() -> None:
    found = Tryout(("full", "off"), ("no", "yes"), ((0.25, 0.75), (0.6, 0.4)), 5, False)
    figure = answer_figures.answers(found)
    assert [trace.name for trace in figure.data] == ["full", "off"]
    assert list(figure.data[1].x) == pytest.approx([60, 40])
    assert list(figure.data[0].y) == ["no", "yes"]


def test_of_many_labels_the_likeliest_are_drawn_in_their_order() -> None:
    shares = tuple(number / 1000 for number in range(30))
    found = Tryout(("full",), tuple(f"label {n}" for n in range(30)), (shares,), 5, False)
    drawn = list(answer_figures.answers(found).data[0].y)
    assert drawn == [f"label {n}" for n in range(30 - answer_figures.LABELS, 30)]
