"""A sweep is judged by its task's own first measure, in the right direction, with intervals over whole texts."""

from __future__ import annotations

import pandas as pd
import pytest
from families.tiny import build

from analysis.comparison_figures import axes, curves, frontier
from analysis.headroom import headroom
from analysis.models import load_model
from analysis.significance import percentile
from analysis.standings import standings
from analysis.sweep import sweep
from analysis.sweep_table import pareto
from analysis.ui import views
from analysis.yardstick import yardstick

OPTIONS = {"fractions": (0.5,), "seeds": (0, 1, 2), "limit": 12}


@pytest.fixture(scope="module")
def table(tokenizer, text) -> pd.DataFrame:
    """A sweep of a language model."""
    model = load_model(build("llama"), tokenizer=tokenizer)
    return sweep(model, text, ("magnitude", "output-norm", "random"), **OPTIONS)


def test_a_table_tells_its_task(table):
    assert yardstick(table).main.name == "perplexity"
    assert yardstick(table).share.told == "next-token accuracy"
    assert yardstick(pd.DataFrame({"accuracy": []})).main.name == "accuracy"


def test_a_language_models_percentile_counts_the_random_masks_of_higher_perplexity(table):
    drawn = table[table["method"] == "random"]["perplexity"]
    for row in table.itertuples():
        assert row.percentile == percentile(-row.perplexity, (-drawn).tolist())


def test_tokens_of_one_text_have_no_p(table):
    assert table[["p_full", "p_random", "p_full_holm", "p_random_holm"]].isna().all(axis=None)
    assert list(standings(table, 0.5)["perplexity"]) == sorted(
        table[table["method"] != "random"]["perplexity"]
    )


def test_the_first_measure_has_an_interval_and_a_change(table):
    assert (table["perplexity_low"] <= table["perplexity"]).all()
    full = table["perplexity"] - table["perplexity_change"]
    assert full.tolist() == pytest.approx([views.baseline(table, "perplexity")] * len(table))
    assert (table["perplexity_change_low"] < table["perplexity_change_high"]).all()


def test_the_frontier_of_a_language_model_is_where_perplexity_is_low(table):
    timed = table.assign(latency_ratio=[1.0] * len(table))
    (best,) = pareto(timed).itertuples()
    assert best.perplexity == timed["perplexity"].min()
    assert frontier(timed, {}).layout.yaxis.title.text == "perplexity"


def test_figures_name_the_tasks_measures(table):
    shown = axes(table)
    assert next(iter(shown)) == "perplexity"
    assert shown["accuracy"] == ("next-token accuracy (%)", 100)
    figure = curves(table, {}, "perplexity", 12.0)
    assert figure.layout.yaxis.title.text == "perplexity"
    assert any(trace.fill == "toself" and trace.legendgroup == "magnitude" for trace in figure.data)


def test_the_verdict_is_in_the_tasks_words(table):
    from analysis.ui.verdict import sentences

    found = headroom([table], margin=1000)
    said = " ".join(sentences(found))
    assert "next-token accuracy changes by" in said
    assert "tokens of the selection split" in said
    assert "tokens of the selection split" in views.sweep_note(table)
