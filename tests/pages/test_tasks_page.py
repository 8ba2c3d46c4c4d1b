"""Every page works for language models and taggers, in their own words."""

from __future__ import annotations

import json

import pytest
from pages.conftest import Tab
from stored_tasks import store_grouped, store_language_model, store_tagger
from tiny import tiny_model, tiny_tokenizer


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


def test_curves_are_in_the_tasks_own_words(task_tab) -> None:
    name, tab = task_tab
    title = {"lm": "perplexity", "tagger": "entity F1 (%)"}[name]
    tab.session.choices["methods"] = "magnitude random"
    tab.visit("curves").press("Draw")
    show = next(entry for entry in tab.at.selectbox if entry.label == "Show")
    assert show.options[0] == title
    assert show.value == {"lm": "perplexity", "tagger": "entity_f1"}[name]
    said = tab.said()
    assert "of one text depend on each other" in said
    assert {"lm": "tokens", "tagger": "words"}[name] + " of the selection split" in said
    assert "needed" not in tab.at.dataframe[0].value


def test_a_heads_page_tells_what_the_task_loses_without_it(task_tab) -> None:
    name, tab = task_tab
    tab.visit("head").press("Measure without L0.H0")
    assert tab.metric({"lm": "Perplexity", "tagger": "Entity F1"}[name])
    assert "stand out by luck" in tab.said()


def test_the_export_page_asks_twice_before_it_uploads(tab, monkeypatch) -> None:
    from analysis.handover import upload

    sent = []
    monkeypatch.setattr(upload, "push", lambda folder, name: sent.append((folder, name)) or "done")
    found = tab(off="1.0.2", repair="none").visit("export")
    found.press("Remove, repair and write")
    button = next(entry for entry in found.at.button if entry.label == "Upload")
    assert button.disabled
    next(e for e in found.at.text_input if e.label == "Repository").input("ada/small")
    next(e for e in found.at.checkbox if e.label.startswith("Yes, upload")).check()
    found.run().press("Upload")
    assert [name for _, name in sent] == ["ada/small"]
    assert any("Uploaded to done" in entry.value for entry in found.at.success)


def test_what_is_timed_is_chosen_on_the_export_page(tab) -> None:
    found = tab(off="1.0.2", repair="none", timed_batch="8", timed_length="16", timed_threads="1")
    found.visit("export").press("Remove, repair and write")
    assert "Batch of 8, 16 tokens, 1 threads, float32" in found.said()


def test_heads_that_cannot_go_get_a_sentence_on_the_export_page(tmp_path) -> None:
    """A key/value group that keeps fewer heads than the others: the nearest masks are named."""
    folder = store_grouped(tmp_path)
    found = Tab(**folder.query, off="1.0.0").settle().visit("export")
    found.press("Remove, repair and write")
    assert "The nearest masks that can be removed" in found.said()


def test_a_bare_encoder_can_be_looked_at_kept_and_written(tmp_path, stored) -> None:
    tiny_model("bert").bert.save_pretrained(tmp_path / "bare")
    tiny_tokenizer().save_pretrained(tmp_path / "bare")
    edited = json.loads((tmp_path / "bare/config.json").read_text())
    edited["architectures"] = ["BertForMaskedLM"]
    (tmp_path / "bare/config.json").write_text(json.dumps(edited))
    opened = Tab(model=str(tmp_path / "bare"), data=stored.data, off="1.0.8").settle()
    for page in ("overview", "heads", "head", "attention", "prune"):
        opened.visit(page)
    assert "Stored as BertForMaskedLM" in opened.said()
    opened.press("Keep this mask as a plan").visit("plans")
    assert [entry for entry in opened.at.dataframe if "plan" in entry.value]
    opened.visit("curves").visit("export").press("Remove, repair and write")
    assert "no answers to texts that could be judged" in opened.said()
