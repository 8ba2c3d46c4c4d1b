"""Language models and taggers from a terminal: the same commands, in the task's own words and units."""

from __future__ import annotations

import json

import pytest
from stored_tasks import StoredTask, store_language_model, store_tagger
from typer.testing import CliRunner

from analysis.cli.commands import app
from analysis.data import load_data, matched
from analysis.models import load_model
from analysis.replay import Replay
from analysis.tasks import TASKS

MAIN = {"lm": "perplexity", "tagger": "entity_f1"}


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> dict[str, StoredTask]:
    folder = tmp_path_factory.mktemp("tasks")
    return {"lm": store_language_model(folder), "tagger": store_tagger(folder)}


def run(*given: str):
    found = CliRunner().invoke(app, list(given))
    assert found.exit_code == 0, found.output
    return found


def answer(*given: str):
    return json.loads(run(*given, "--json").stdout)


@pytest.mark.parametrize("name", ["lm", "tagger"])
def test_evaluate_gives_what_the_package_gives(stored, name):
    source = stored[name]
    found = answer("evaluate", *source.options, "--off", "0.1,2.3")
    subject = load_model(source.model)
    data = matched(load_data(source.data, task=subject.task), subject.labels)
    assert found["task"] == subject.task.name
    assert found["unit"] == subject.task.item
    plain = Replay(subject, data.split("selection")).evaluate()
    assert found["n"] == plain.n
    assert found["baseline"][MAIN[name]] == pytest.approx(plain.main.value, rel=1e-4)
    main = found["measures"][MAIN[name]]
    assert main["low"] < main["value"] < main["high"]
    assert main["change"]["low"] <= main["change"]["points"] <= main["change"]["high"]


def test_numbers_are_told_in_the_tasks_words(stored):
    told = run("evaluate", *stored["lm"].options, "--off", "0.1").stdout
    assert "tokens" in told
    assert "perplexity" in told
    assert "next-token accuracy" in told
    told = run("evaluate", *stored["tagger"].options, "--off", "0.1").stdout
    assert "words" in told
    assert "entity F1" in told
    assert "points" in told


@pytest.mark.parametrize("name", ["lm", "tagger"])
def test_sweep_measures_the_task(stored, name, tmp_path):
    given = ("sweep", *stored[name].options, "--methods", "taylor,random", "--seeds", "0,1")
    rows = answer(*given, "--fractions", "0.25,0.5", "--repair", "none,least-squares")["rows"]
    assert len(rows) == 2 * (2 + 4)
    assert all(row[MAIN[name]] is not None for row in rows)
    assert all(0 <= row["agreement"] <= 1 for row in rows)


@pytest.mark.parametrize("name", ["lm", "tagger"])
def test_prune_repairs_judges_and_writes_in_the_tasks_words(stored, name, tmp_path):
    out = tmp_path / "smaller"
    given = ("--off", "0.1,2.3", "--repair", "least-squares", "--out", str(out), "--rounds", "2")
    found = answer("prune", *stored[name].options, *given)
    masked, removed = (
        found["accuracy"][form]["measures"][MAIN[name]]["value"] for form in ("masked", "removed")
    )
    assert removed == pytest.approx(masked, rel=1e-3)
    assert found["repair"]["asked"] == "least-squares"
    assert found["ceiling"]["parameters"] > 0
    assert all(each["passed"] for each in found["written"]["parity"])
    again = load_model(out)
    assert again.task is TASKS[found["task"]]
    assert again.anatomy.heads_total == 10


def test_data_of_another_kind_gets_a_sentence(stored, tmp_path):
    bare = tmp_path / "bare.conll"
    bare.write_text("Ada B-PER\nsings\n")
    for data, sentence in (
        ("demo", "needs a label for each word"),
        (str(bare), "line 2 of bare.conll has a word without a tag"),
        (stored["lm"].data, "has a word a line, the tag last"),
    ):
        found = CliRunner().invoke(
            app, ["evaluate", "--model", stored["tagger"].model, "--data", data]
        )
        assert found.exit_code == 2
        assert sentence in " ".join(found.output.split())
