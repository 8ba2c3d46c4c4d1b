from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from stored import store

from analysis import HeadMask, evaluate, load_data, load_model
from analysis.batches import batches
from analysis.data import matched
from analysis.errors import PlanError
from analysis.plan import Plan
from analysis.progress import finish
from analysis.report.findings import Known, Wish, gathering
from analysis.report.heads import head_map, mask_picture
from analysis.report.page import page
from analysis.statistics import STATISTICS
from analysis.text import Provenance
from analysis.wording import percent, points

EVIL = "</script></title><img src=x onerror=alert(1)>&amp;"
QUICK = Wish(("magnitude", "random"), (0.5,), (0, 1), limit=50, rounds=3, length=16)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    lies = store(tmp_path_factory.mktemp("report"), rows=400)
    subject = load_model(lies.model)
    return subject, matched(load_data(lies.data), subject.labels)


@pytest.fixture(scope="module")
def plan(source):
    subject, _ = source
    mask = HeadMask.decode(subject.anatomy, "1.0.c")
    return Plan("mine", subject.spec, subject.fingerprint, mask, repair="least-squares")


@pytest.fixture(scope="module")
def found(source, plan):
    return finish(gathering(*source, plan, wish=QUICK))


class _Read(HTMLParser):
    """Tags, the attributes that make a browser ask for something, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.asked: list[str] = []
        self.handlers: list[str] = []
        self.said = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        for name, value in attributes:
            if name in ("src", "href", "srcset", "data", "action", "poster", "xlink:href"):
                self.asked.append(value)
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_data(self, data):
        self.said += data


def test_its_numbers_are_those_of_the_evaluation(source, plan, found):
    subject, data = source
    alone = evaluate(subject, batches(subject, data.split("selection")), plan.mask)
    text = _Read(page(found)).said
    assert percent(alone.accuracy) in text
    assert percent(alone.baseline.accuracy) in text
    change = alone.change
    assert f"{points(change.low)} to {points(change.high)}" in text
    assert f"{100 * alone.low:.1f} to {100 * alone.high:.1f}" in text
    assert f"{found.after.parameters:,}" in text


def test_it_asks_for_nothing_runs_nothing_and_is_small(found):
    text = page(found, link="http://localhost:8501/prune?off=1.0.c")
    read = _Read(text)
    assert read.asked == ["data:,"]
    assert read.tags.isdisjoint({"script", "iframe", "img", "object", "embed"})
    assert not re.search(r"url\((?!#)", text)
    assert "@import" not in text
    assert len(text.encode()) < 5_000_000
    assert "http://localhost:8501/prune?off=1.0.c" in read.said


def test_the_test_split_is_measured_when_asked_for_only(source, plan, found):
    assert {row.split for row in found.rows} == {"selection"}
    assert "The test split was not looked at" in page(found)
    known = Known(profile=found.profile, selection=found.selection, curve=found.curve)
    asked = finish(gathering(*source, plan, wish=replace(QUICK, test=True), known=known))
    assert [row.form for row in asked.rows if row.split == "test"] == [
        "full model",
        "heads switched off",
        "heads removed and repaired",
    ]
    assert "The test split was not looked at" not in page(asked)


def test_what_is_known_is_not_measured_again(source, plan, found):
    known = Known(profile=found.profile, selection=found.selection, curve=found.curve)
    again = finish(gathering(*source, plan, wish=QUICK, known=known))
    assert again.profile is found.profile
    assert again.selection is found.selection
    assert again.curve is found.curve
    assert again.rows == found.rows


def test_what_people_wrote_is_shown_and_never_run(found):
    subject, data = found.subject, found.data
    split = data.split("selection")
    texts = tuple(f"{EVIL} {text}" for text in split.texts)
    evil = replace(
        found,
        subject=replace(
            subject,
            name=EVIL,
            labels=(EVIL, f"{EVIL}2"),
            provenance=Provenance(EVIL, EVIL, EVIL),
        ),
        data=replace(
            data,
            name=EVIL,
            splits={**data.splits, "selection": type(split)(texts, split.labels)},
            notes=(EVIL,),
        ),
        plan=replace(found.plan, name=EVIL),
    )
    text = page(evil, link=EVIL)
    read = _Read(text)
    assert read.tags.isdisjoint({"img", "script"})
    assert not read.handlers
    assert read.said.count(EVIL) > 10  # shown as it was written
    assert read.tags == _Read(page(found)).tags


def test_a_plan_for_another_model_is_refused(source, plan):
    with pytest.raises(PlanError, match=r"weights|another model"):
        finish(gathering(*source, replace(plan, fingerprint="0" * 64), wish=QUICK))


def test_the_pictures_say_in_words_what_they_show(found, plan):
    drawn = mask_picture(plan.mask, repaired=True)
    assert "9 of 12 heads on. Off: L0.H0, L2.H2, L2.H3" in drawn
    assert drawn.count("url(#off)") == 3
    assert drawn.count("•") == 2
    entropy = STATISTICS["entropy"]
    table = found.profile.table
    highest = table.loc[table["entropy"].idxmax()]
    told = f"highest in L{int(highest['layer'])}.H{int(highest['head'])}"
    assert told in head_map(table, entropy, plan.mask)
