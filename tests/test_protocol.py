"""Attempts to choose by the test split, each of which must fail."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from tiny import sentences

from analysis.agreement import samples
from analysis.errors import ProtocolError
from analysis.forecast import foreseeing
from analysis.gradients import gate_gradients
from analysis.handover.delivery import Wish, delivering
from analysis.mask import HeadMask
from analysis.measuring import Treatment, appraising, mending
from analysis.plan import Plan
from analysis.profiling import profile
from analysis.progress import finish
from analysis.protocol import HASH, TRACED, disjoint, only, together, trace, untraced
from analysis.repair import repair, teacher_of
from analysis.replay import Replay
from analysis.report.findings import Wish as Asked
from analysis.report.findings import gathering
from analysis.scores import METHODS, rank
from analysis.scores.method import Evidence
from analysis.sweep import sweep, swept
from analysis.swept import Swept
from analysis.text import Calibration, LabelledText, Selection, Test, key
from analysis.tuning import Chosen, Tuned, choose, tune

CALIBRATION = Calibration(*sentences(12))
SELECTION = Selection(*sentences(10, seed=1))
TEST = Test(*sentences(30, seed=2))


class Both(Test, Selection):
    """A test split that says it is for selection too."""


class Dressed(Calibration):
    """A subclass, which could give out anything."""


def data(**splits):
    made = {"calibration": CALIBRATION, "selection": SELECTION, "test": TEST, **splits}
    return LabelledText("tried", ("negative", "positive"), made, None)


@pytest.mark.parametrize("split", [TEST, Both(*sentences(5)), Dressed(*sentences(5)), None, "test"])
def test_a_split_is_exactly_what_it_must_be(distilbert, split):
    for wanted in (Calibration, Selection):
        with pytest.raises(ProtocolError):
            only(split, wanted, "not on {name}")
    with pytest.raises(ProtocolError):
        tune(distilbert, CALIBRATION, split, "hies")
    if split is not None:
        with pytest.raises(ProtocolError):
            Evidence(split, None)
        with pytest.raises(ProtocolError):
            Evidence(CALIBRATION, split)


def test_a_finished_choice_cannot_be_turned_to_the_test_split():
    tuned = Tuned("hies", (0.5,), SELECTION, pd.DataFrame())
    with pytest.raises(ProtocolError):
        replace(tuned, split=TEST)
    chosen = Chosen("taylor", 0.5, HeadMask(((True, False),)), SELECTION)
    for other in (TEST, "selection"):
        with pytest.raises(ProtocolError):
            replace(chosen, split=other)
    with pytest.raises(AttributeError):
        chosen.split = TEST


def test_a_sweep_of_the_test_split_cannot_be_relabelled(distilbert):
    options = {"fractions": (0.5,), "seeds": (0,), "split": "test"}
    table = sweep(distilbert, data(), ("magnitude",), **options)
    with pytest.raises(ProtocolError, match="a table does not prove"):
        choose(table.assign(split="selection"), 0.5)
    found = swept(distilbert, data(), ("magnitude",), **options)
    with pytest.raises(ProtocolError, match="not on 'test'"):
        choose(found, 0.5)
    with pytest.raises(AttributeError):
        found.split = SELECTION
    with pytest.raises(TypeError):
        found.rows[0] = None
    for attempt in (
        lambda: replace(found, split=SELECTION),
        lambda: Swept(SELECTION, found.rows),
        lambda: Swept(SELECTION, found.rows, object()),
    ):
        with pytest.raises(ProtocolError, match=r"made by sweep\.swept alone"):
            attempt()


@pytest.mark.parametrize("name", ["calibration", "selection"])
@pytest.mark.parametrize("spelt", [str, str.upper, lambda text: f"  {text} !"])
def test_test_sentences_in_another_splits_dress_are_recognised(distilbert, name, spelt):
    kind = {"calibration": Calibration, "selection": Selection}[name]
    leaked = kind(tuple(map(spelt, TEST.texts[:6])), TEST.labels[:6])
    leaky = data(**{name: leaked})
    mask = HeadMask.off(distilbert.anatomy, [(0, 0)])
    plan = Plan("less", "live", distilbert.fingerprint, mask, repair="mean")
    with pytest.raises(ProtocolError, match="of 30 texts of the test split are also in"):
        disjoint(leaky, TEST)
    for attempt in (
        lambda: rank(distilbert, leaky, "magnitude"),
        lambda: rank(distilbert, leaky, "taylor"),
        lambda: sweep(distilbert, leaky, ("random",), split="test"),
        lambda: sweep(distilbert, leaky, ("taylor",), split="selection"),
        lambda: next(mending(distilbert, leaky, Treatment(mask, repair="mean"))),
        lambda: next(delivering(distilbert, leaky, plan, Wish())),
        lambda: next(gathering(distilbert, leaky, plan)),
    ):
        with pytest.raises(ProtocolError, match="of 30 texts of the test split are also in"):
            attempt()


def test_the_test_split_under_another_name_is_refused(distilbert):
    for name in ("calibration", "selection"):
        with pytest.raises(ProtocolError):
            rank(distilbert, data(**{name: TEST}), "greedy")


def test_test_sentences_given_as_a_selection_split_are_recognised(distilbert):
    leaked = Selection(TEST.texts, TEST.labels)
    with pytest.raises(ProtocolError, match="30 of 30 texts of the test split are also in"):
        rank(distilbert, data(), "greedy", selection=leaked)


def test_a_repair_is_neither_solved_nor_compared_on_the_test_split(distilbert):
    mask = HeadMask.off(distilbert.anatomy, [(0, 0)])
    with pytest.raises(ProtocolError):
        repair(distilbert, mask, TEST)
    for split in (TEST, Both(*sentences(5)), Dressed(*sentences(5))):
        with pytest.raises(ProtocolError, match="compared on the selection split"):
            repair(distilbert, mask, CALIBRATION, selection=split)
    with pytest.raises(ProtocolError, match="solved on the calibration split"):
        repair(distilbert, mask, Dressed(*sentences(5)))


def test_masks_and_settings_do_not_depend_on_the_test_split(distilbert):
    """The same sweep with other test sentences judges the same masks."""
    other = data(test=Test(*sentences(25, seed=9)))
    methods = tuple(METHODS)
    options = {"fractions": (0.25, 0.5), "tuned": True, "split": "test", "precision": "float32"}
    first, second = (sweep(distilbert, each, methods, **options) for each in (data(), other))
    assert list(first["mask"]) == list(second["mask"])
    assert list(first["loss"]) != list(second["loss"])


def test_a_repairs_teacher_has_looked_at_its_calibration_texts_only(distilbert):
    mask = HeadMask.off(distilbert.anatomy, [(0, 0)])
    with pytest.raises(ProtocolError, match="solved on the calibration split, not on 'test'"):
        teacher_of(distilbert, TEST)
    other = teacher_of(distilbert, Calibration(TEST.texts, TEST.labels))
    with pytest.raises(ProtocolError, match="other texts than the repair's calibration split"):
        repair(distilbert, mask, CALIBRATION, teacher=other)


def test_samples_for_stability_are_of_the_calibration_split():
    with pytest.raises(ProtocolError, match="which see the calibration split, not 'test'"):
        samples(TEST)


@pytest.mark.parametrize("change", [{"repair": "mean"}, {"ablation": "mean"}])
def test_nothing_is_judged_on_the_sentences_that_it_is_made_of(distilbert, change):
    mask = HeadMask.off(distilbert.anatomy, [(0, 0)])
    plan = Plan("tried", "x", distilbert.fingerprint, mask, **change)
    with pytest.raises(ProtocolError, match="made of the calibration split"):
        next(delivering(distilbert, data(), plan, Wish(split="calibration")))


def test_a_repaired_plan_is_not_appraised_on_the_sentences_of_its_repair(distilbert):
    mask = HeadMask.off(distilbert.anatomy, [(0, 0)])
    replay = Replay(distilbert, CALIBRATION)
    with pytest.raises(ProtocolError, match="a repair is made of the calibration split"):
        next(appraising(replay, data(), Treatment(mask, repair="mean")))


@pytest.mark.parametrize(
    "look",
    [
        lambda subject, test: profile(subject, test),
        lambda subject, test: gate_gradients(subject, test),
        lambda subject, test: finish(Replay(subject, test).without_each()),
        lambda subject, test: finish(foreseeing(Replay(subject, test))),
    ],
    ids=["statistics", "gradients", "leave-one-out", "forecast"],
)
def test_nothing_is_learned_of_every_head_on_the_test_split(distilbert, look):
    with pytest.raises(ProtocolError, match="nothing is chosen on the test split"):
        look(distilbert, data().split("test"))


def test_a_trace_is_known_again_however_its_texts_are_written():
    louder = Test(tuple(f" {text.upper()}! " for text in CALIBRATION.texts), CALIBRATION.labels)
    seen = trace(CALIBRATION, None)
    assert len(seen) == HASH * len(set(map(key, CALIBRATION.texts)))
    with pytest.raises(
        ProtocolError, match="'half' was chosen by texts that are in the test split"
    ):
        untraced(louder, seen, "the plan 'half'")
    untraced(TEST, seen, "the plan 'half'")
    untraced(louder, "", "the plan 'half'")
    untraced(CALIBRATION, seen, "the plan 'half'")  # a number there is no report


def test_a_trace_of_many_texts_is_drawn_from_all_of_them():
    texts = tuple(f"number {number}" for number in range(2000))
    seen = trace(Calibration(texts, (0,) * 2000))
    assert len(seen) == HASH * TRACED
    for part in (texts[:200], texts[-200:]):
        with pytest.raises(ProtocolError, match="at least"):
            untraced(Test(part, (0,) * 200), seen, "it")


def test_two_traces_are_one_of_all_their_texts():
    assert together(trace(CALIBRATION), trace(SELECTION), "") == trace(CALIBRATION, SELECTION)


def test_a_plan_is_not_judged_on_the_test_sentences_that_it_was_chosen_by(distilbert):
    mask = HeadMask.off(distilbert.anatomy, [(0, 0)])
    chosen = Calibration(TEST.texts[:3], TEST.labels[:3])
    plan = Plan("leaky", "x", distilbert.fingerprint, mask, trace=trace(chosen))
    for judging in (
        delivering(distilbert, data(), plan, Wish()),
        gathering(distilbert, data(), plan, wish=Asked(test=True)),
    ):
        with pytest.raises(
            ProtocolError, match="'leaky' was chosen by texts that are in the test split"
        ):
            next(judging)
