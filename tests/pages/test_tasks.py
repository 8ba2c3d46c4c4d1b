"""Every page works for language models and taggers, in their own words."""

from __future__ import annotations

import pytest
from pages.conftest import Tab
from stored_tasks import store_language_model, store_tagger


@pytest.fixture(params=["lm", "tagger"])
def task_tab(request, tmp_path):
    store = store_language_model if request.param == "lm" else store_tagger
    return request.param, Tab(**store(tmp_path).query).settle()


def test_pages_show_the_tasks_own_words(task_tab) -> None:
    name, tab = task_tab
    title = {"lm": "Perplexity", "tagger": "Entity F1"}[name]
    item = {"lm": "tokens", "tagger": "words"}[name]
    assert tab.metric(title)
    tab.visit("prune")
    tab.session.change(tab.session.mask.switched([(0, 1), (2, 2)], on=False))
    tab.run().settle()
    assert tab.metric(title)
    assert tab.metric("Change" if name == "lm" else "Points") not in ("…", "—")
    assert f"This model answers for {item}" in tab.said()
    tab.visit("export")
    tab.press("Remove, repair and write")
    said = tab.said()
    assert "all heads of attention are" in said
    forms = next(entry.value for entry in tab.at.dataframe if "form" in entry.value.columns)
    assert title[0].lower() + title[1:] in forms.columns
