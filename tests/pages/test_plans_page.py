"""Plans on the pages: kept, branched, opened, renamed, deleted, taken in, measured and compared."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from analysis.mask import HeadMask
from analysis.plan import Plan
from analysis.progress import Step
from analysis.protocol import trace
from analysis.repair import repair
from analysis.store import Store
from analysis.tryout import Variant, tryout
from analysis.ui import figure, reporting, switchboard, views, work
from analysis.ui.choice import Choice, plan_of
from analysis.ui.plans import shelf

OFF = "1.0.8"


def kept() -> list[str]:
    return [plan.name for plan in Store().plans.all()]


def keep(opened, name: str | None = None, button: str = "Keep this mask as a plan"):
    if name is not None:
        opened.at.text_input(key="plan_name").set_value(name)
    return opened.press(button)


def switch(opened, *heads, on: bool = False):
    opened.session.change(opened.session.mask.switched(heads, on=on))
    return opened.run().settle()


def chooser(opened):
    return next(box for box in opened.at.selectbox if box.label == "Open a plan")


def widget(opened, kind: str, key: str):
    return next(each for each in opened.at.get(kind) if (each.key or "").startswith(key))


@pytest.fixture
def two(tab):
    """A tab whose model has a plan and its branch, which is open."""
    opened = tab(off="1.2.8")
    here, plans = opened.session.here, Store().plans
    where = {"data": shelf.data_key(here), "data_name": here.data.name}
    braver = opened.session.mask
    half = braver.switched([(1, 1)], on=True)
    parent = plans.keep(Plan("half", here.subject.spec, here.subject.fingerprint, half), **where)
    branch = plans.keep(
        Plan("braver", here.subject.spec, here.subject.fingerprint, braver),
        **where,
        parent=parent.id,
    )
    opened.session.choices["plan"] = branch.id
    return opened


def test_a_mask_is_kept_under_the_suggested_name_with_its_numbers(tab) -> None:
    opened = keep(tab(off=OFF).visit("prune"))
    (plan,) = Store().plans.all()
    assert plan.name == "10 of 12 heads"
    assert plan.trace == opened.session.here.trace
    assert plan.mask == opened.session.mask
    assert opened.session.query()["plan"] == plan.id
    where = shelf.Setting(
        plan.fingerprint, plan.data, "selection", plan.mask, precision=precision()
    )
    found = Store().results.get(where)
    assert f"{100 * found.value:.1f} %" == opened.metric("Accuracy")
    full = shelf.Setting(
        plan.fingerprint, plan.data, "selection", HeadMask.full(plan.mask), precision=precision()
    )
    assert Store().results.get(full).change is None


def precision() -> str:
    import torch

    from analysis.precision import dtype_of

    return str(dtype_of("auto", torch.device("cpu"))).removeprefix("torch.")


def test_all_heads_on_is_nothing_to_keep(tab) -> None:
    opened = tab().visit("prune")
    assert "Switch heads off, then keep the mask here" in opened.said()
    assert not [button for button in opened.at.button if button.label.startswith("Keep this")]


def test_a_changed_mask_becomes_a_branch_and_its_parent_stays(tab) -> None:
    opened = keep(tab(off=OFF).visit("prune"), "half")
    keep(switch(opened, (1, 1)), "braver", "Branch")
    half, braver = Store().plans.all()
    assert (half.mask.encode(), braver.mask.encode()) == (OFF, "1.2.8")
    assert braver.parent == half.id
    assert "shows the plan **braver**" in opened.said()


def test_opening_a_plan_can_be_undone(two) -> None:
    half, braver = Store().plans.all()
    chooser(two.visit("prune")).select(half.id)
    assert two.run().settle().session.mask == half.mask
    assert two.session.choices["plan"] == half.id
    two.press("Undo")
    assert two.session.mask == braver.mask


def test_opening_a_plan_brings_its_ablation(tab) -> None:
    opened = keep(tab(off=OFF, ablation="mean").visit("prune"))
    opened.session.choices["plan"] = ""
    opened.box("choice_ablation").select("zero")
    opened.run().settle()
    chooser(opened).select(Store().plans.all()[0].id)
    opened.run().settle()
    assert opened.session.choices["ablation"] == "mean"
    assert opened.box("choice_ablation").value == "mean"


def test_undo_after_opening_a_plan_brings_the_ablation_back(tab) -> None:
    opened = keep(tab(off=OFF, ablation="mean").visit("prune"))
    opened.session.choices["plan"] = ""
    opened.box("choice_ablation").select("zero")
    opened.run().settle().press("All on")
    chooser(opened).select(Store().plans.all()[0].id)
    opened.run().settle().press("Undo")
    assert opened.session.mask.is_full
    assert opened.session.choices["ablation"] == "zero"
    assert opened.box("choice_ablation").value == "zero"
    opened.press("Redo")
    assert opened.session.mask.encode() == OFF
    assert opened.box("choice_ablation").value == "mean"


def test_a_name_that_is_taken_is_told_and_nothing_is_kept(two) -> None:
    keep(switch(two.visit("prune"), (1, 2)), "half", "Branch")
    assert "there is a plan called 'half' already" in two.said().replace("\\", "").lower()
    assert kept() == ["half", "braver"]
    keep(two, "third", "Branch")
    assert kept() == ["half", "braver", "third"]


@pytest.fixture
def marked(monkeypatch) -> list:
    """The heads that the switchboard marks as repaired, drawing by drawing."""
    drawn: list = []
    monkeypatch.setattr(switchboard, "switchboard", lambda *_, **how: drawn.append(how["repaired"]))
    return drawn


def test_the_heads_of_an_open_plan_with_a_repair_are_marked_until_the_mask_changes(
    two, marked
) -> None:
    here, mask = two.session.here, two.session.mask
    mended = Plan("mended", here.subject.spec, here.subject.fingerprint, mask, repair="mean")
    plan = Store().plans.keep(mended, data=shelf.data_key(here), data_name=here.data.name)
    two.session.choices["plan"] = plan.id
    two.visit("prune")
    assert marked[-1] == views.repaired(mask, "mean") != ()
    switch(two, (1, 2))
    assert marked[-1] == ()


def test_an_export_marks_its_heads_however_it_was_timed_and_written(tab, desk, marked) -> None:
    opened = tab(off=OFF)
    here, mask = opened.session.here, opened.session.mask

    def delivered(used: str, asked: Choice) -> None:
        found = SimpleNamespace(report=SimpleNamespace(used=used), looks=())
        job = desk.ask(
            work.delivery_key(here, mask, asked),
            lambda: iter([Step(1, 1, "stages", found)]),
            owner="anna",
            kind="delivery",
            title="a model",
        )
        assert job.wait(5)

    delivered("none", Choice("least-squares", False, False))  # it was taken back
    opened.visit("prune")
    assert marked[-1] == ()
    delivered("mean", Choice("mean", True, True, 8, 64, 1, "bfloat16"))
    opened.run()
    assert marked[-1] == views.repaired(mask, "mean") != ()


def test_the_export_has_the_name_of_the_plan_that_is_open(two, monkeypatch) -> None:
    asked: list = []
    monkeypatch.setattr(reporting, "section", lambda *given: asked.append(plan_of(*given)))
    assert "the plan **braver**" in two.visit("export").said()
    assert asked[-1].name == "braver"
    switch(two, (1, 2))
    assert asked[-1].name == "8 of 12 heads"


def test_a_plan_is_renamed_and_annotated(two) -> None:
    widget(two.visit("plans"), "text_input", "rename_").set_value("new <b>name</b>")
    widget(two, "text_area", "note_").set_value("for the talk")
    two.press("Save")
    renamed = Store().plans.all()[1]
    assert (renamed.name, renamed.note) == ("new <b>name</b>", "for the talk")
    assert "new <b>name</b>" in chooser(two).options[1]


def test_a_deletion_is_undone(two) -> None:
    two.visit("plans").press("Delete")
    assert kept() == ["half"]
    assert two.session.choices["plan"] == ""
    two.press("Undo the deletion")
    assert kept() == ["half", "braver"]
    chooser(two).select(Store().plans.all()[1].id)
    two.run().settle().press("Delete").press("Bring back")
    assert kept() == ["half", "braver"]


def test_plans_of_other_sentences_are_not_shown(two, tab, tmp_path) -> None:
    other = tmp_path / "other.csv"
    rows = [f"the film was good {n},{('negative', 'positive')[n % 2]}" for n in range(60)]
    other.write_text("text,label\n" + "\n".join(rows))
    assert "There are no plans" in tab(data=str(other)).visit("plans").said()


def test_everything_is_measured_and_the_full_model_stays(two) -> None:
    two.visit("plans").press("Measure all")
    table = next(entry.value for entry in two.at.dataframe if "weights" in entry.value)
    assert list(table["plan"]) == ["half", f"{shelf_indent()}└ braver"]
    assert table[["accuracy", "change", "times as fast", "weights"]].notna().all(axis=None)
    assert not [button for button in two.at.button if button.label == "Measure all"]
    assert "The full model: accuracy" in two.said()


def shelf_indent() -> str:
    from analysis.ui.plans.bar import INDENT

    return INDENT


def test_two_plans_stand_side_by_side(two) -> None:
    said = two.visit("plans").said()
    assert "**braver** and **half** cannot be told apart" in said or "**braver** is" in said
    assert "The two differ in 1 head," in said
    numbers = two.at.dataframe[1].value.set_index("")
    assert list(numbers.columns) == ["full model", "half", "braver"]
    assert list(numbers.loc["heads on"]) == ["12 of 12", "10 of 12", "9 of 12"]
    assert "answers changed" in said
    assert "“Became wrong”: right with half, wrong with braver" in said


def test_the_maps_of_both_plans_can_be_saved(two, monkeypatch) -> None:
    found = {}
    monkeypatch.setattr(figure, "show", lambda _, table, name, **how: found.update({name: table}))
    two.visit("plans")
    half, braver = found["plan-a"], found["plan-b"]
    assert (half["on"].sum(), braver["on"].sum()) == (10, 9)
    assert half["differs"].sum() == braver["differs"].sum() == 1


def test_a_plan_is_compared_with_the_full_model_and_the_link_says_so(two) -> None:
    two.visit("plans")
    first = next(box for box in two.at.selectbox if box.label == "First")
    first.select("full")
    two.run().settle()
    assert list(two.at.dataframe[1].value.columns[1:]) == ["full model", "braver"]
    assert two.session.query()["plan_a"] == "full"


def test_ones_own_sentence_is_answered_under_all_three(two, tab) -> None:
    opened = tab(**{**two.session.query(), "text": "the film was very good"}).visit("plans")
    assert "answers" in opened.said()
    assert opened.box("pair_own_text", "text_input").value == "the film was very good"


def test_ones_own_sentence_is_answered_by_the_repaired_model_where_a_plan_has_a_repair(
    two, tab, desk
) -> None:
    here, text = two.session.here, "the film was very good"
    mended = Plan(
        "mended",
        here.subject.spec,
        here.subject.fingerprint,
        two.session.mask,
        repair="least-squares",
    )
    plan = Store().plans.keep(mended, data=shelf.data_key(here), data_name=here.data.name)
    two.session.choices.update(plan=plan.id, plan_a="full", plan_b=plan.id, text=text)
    said = two.visit("plans").said()
    smaller = repair(
        here.subject,
        plan.mask,
        here.data.splits["calibration"],
        selection=here.data.splits["selection"],
    )
    assert smaller.report.used == "least-squares"
    (job,) = desk.done("tryout")
    full = Variant("full model", HeadMask.full(here.anatomy))
    repaired = Variant("mended", plan.mask, smaller=smaller.subject)
    wanted = tryout(here.subject, text, [full, repaired]).probabilities
    bare = tryout(here.subject, text, [Variant("mended", plan.mask)]).probabilities
    assert job.answer.names == ("full model", "mended")
    assert job.answer.probabilities[1] == pytest.approx(wanted[1], abs=1e-4)
    assert job.answer.probabilities[1] != pytest.approx(bare[0], abs=1e-2)
    assert "mended answers as the smaller model whose heads are removed" in said


def test_a_link_to_a_plan_that_is_not_here_shows_another(two, tab) -> None:
    opened = tab(**{**two.session.query(), "plan_a": "nothing", "plan": "<b>"}).visit("plans")
    assert opened.session.query().get("plan_a") is None
    assert list(opened.at.dataframe[1].value.columns[1:])[-1] == "braver"


def test_a_plan_goes_out_and_comes_in_again(two, monkeypatch) -> None:
    braver = Store().plans.all()[1]
    found = shelf.Shelf(Store().plans.all())
    text = shelf.file_of(braver, found, None, "accuracy")
    assert json.loads(text)["parent"] == "half"
    two.visit("plans").press("Delete")
    widget(two, "file_uploader", "plan_upload_").upload(
        "plan.json", text.encode(), "application/json"
    )
    two.run().settle()
    back = Store().plans.all()[1]
    assert (back.name, back.mask, back.parent) == ("braver", braver.mask, braver.parent)
    assert back.trace == two.session.here.trace
    assert two.session.mask == braver.mask


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"fingerprint": "f" * 64}, "was made for"),
        ({"mask": "1.0"}, "does not fit the model"),
        ({"mask": 7}, "should be one line"),
        ({"trace": "of the test split"}, "was chosen by texts that are in the test split"),
    ],
)
def test_a_plan_that_does_not_belong_here_is_refused_with_a_sentence(two, change, sentence) -> None:
    content = (
        json.loads(shelf.file_of(Store().plans.all()[0], shelf.Shelf(), None, "accuracy")) | change
    )
    two.visit("plans")
    if "trace" in change:
        content["trace"] = trace(two.session.here.data.split("test"))
    file = json.dumps(content).encode()
    widget(two, "file_uploader", "plan_upload_").upload("plan.json", file, "application/json")
    assert sentence in two.run().settle().said()
    assert kept() == ["half", "braver"]


@pytest.mark.parametrize("page", ["prune", "plans"])
def test_a_damaged_store_is_told_and_the_page_works_on(tab, tmp_path, monkeypatch, page) -> None:
    (tmp_path / "bad.db").write_bytes(b"not a database" * 1000)
    monkeypatch.setenv("HEADCOUNT_DATABASE_URL", f"sqlite:///{tmp_path}/bad.db")
    opened = tab(off=OFF).visit(page)
    assert "is damaged" in opened.said()
    assert opened.session.mask.encode() == OFF
    if page == "prune":
        assert opened.metric("Accuracy").endswith("%")


def test_a_read_only_store_shows_its_plans_and_keeps_none(two, tab, monkeypatch) -> None:
    place = Store().place
    monkeypatch.setenv("HEADCOUNT_DATABASE_URL", f"sqlite:///file:{place}?mode=ro&uri=true")
    opened = keep(tab(off="f.0.0").visit("prune"))
    assert "is read-only" in opened.said().replace("\\", "")
    assert len(chooser(opened).options) == 2
