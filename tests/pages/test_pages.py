"""Every page, with a real small model.

A row of `PAGES` proves that the page runs without an exception from start to end, opens with its
question, and shows what it is for. Add a page by adding a row.
"""

from __future__ import annotations

import pytest

PAGES = [
    ("overview", "How many attention heads", "The sentences"),
    ("heads", "What does each head do", "All numbers"),
    ("head", "What is this one head for", "Where does it look"),
    ("attention", "Where does every head look", "tokens, special ones included"),
    ("prune", "What happens when these heads", "All heads are on"),
    ("plans", "Which plan is worth keeping", "There are no plans"),
    ("curves", "How fast does a model get worse", "Choose methods and press Draw"),
    ("export", "What do you get when these heads are really removed", "All heads are on"),
]


@pytest.mark.parametrize(("page", "question", "content"), PAGES)
def test_a_page_answers_its_question(tab, page: str, question: str, content: str) -> None:
    said = tab().visit(page).said()
    assert question in said
    assert content in said


@pytest.mark.parametrize(("page", "question", "content"), PAGES)
def test_a_page_shows_a_masked_model_too(tab, page: str, question: str, content: str) -> None:
    opened = tab(off="1.0.f").visit(page)
    assert opened.session.mask.encode() == "1.0.f"
    assert question in opened.said()


def test_the_link_carries_what_differs_from_the_default(tab, stored) -> None:
    opened = tab(off="1.0.8", ablation="mean", statistic="previous")
    assert opened.session.query() == {
        **stored.query,
        "off": "1.0.8",
        "ablation": "mean",
        "statistic": "previous",
    }


@pytest.mark.parametrize("code", ["1.0", "f0.0.0", "zz.0.0", "1.0.0.0", "<script>", "9" * 5000])
def test_a_broken_mask_in_the_link_leaves_all_heads_on(tab, code: str) -> None:
    assert tab(off=code).session.mask.is_full


def test_a_broken_mask_is_told_in_one_sentence_until_dismissed(tab) -> None:
    opened = tab(off="f0.0.0")
    sentence = "names heads past the 4 that the model has"
    assert sentence in opened.run().said().replace("\\", "")
    assert sentence not in opened.press("Dismiss").said().replace("\\", "")


def test_an_unknown_model_is_told_and_the_old_one_stays(tab, tmp_path) -> None:
    opened = tab(off="1.0.0")
    opened.at.text_input[0].set_value(str(tmp_path / "nothing"))
    opened.press("Load")
    assert opened.session.here is not None
    assert opened.session.mask.encode() == "1.0.0"
    assert opened.session.wanted is None
    assert "nothing" in opened.said()


def test_switching_heads_changes_the_answer_and_can_be_undone(tab) -> None:
    opened = tab().visit("prune")
    full = opened.metric("Accuracy")
    opened.session.change(opened.session.mask.switched([(0, 0), (0, 1), (0, 2), (0, 3)], on=False))
    opened.settle()
    assert opened.metric("Heads on") == "8 of 12"
    assert opened.metric("Accuracy") != full
    opened.press("Undo")
    assert opened.metric("Accuracy") == full
    opened.press("Redo")
    assert opened.metric("Heads on") == "8 of 12"


def test_what_off_heads_add_is_a_step_of_its_own(tab) -> None:
    opened = tab(off="3.0.1").visit("prune")
    opened.box("choice_ablation").select("mean")
    opened.run().settle().press("Undo")
    assert opened.box("choice_ablation").value == "zero"
    assert opened.session.choices["ablation"] == "zero"
    assert opened.session.mask.encode() == "3.0.1"
    opened.press("Redo")
    assert opened.box("choice_ablation").value == "mean"


def test_a_preset_keeps_as_many_heads_as_asked(tab) -> None:
    opened = tab().visit("prune")
    opened.press("Apply")
    assert opened.metric("Heads on") == "6 of 12"


def test_the_mask_stays_when_the_page_changes(tab) -> None:
    opened = tab(off="3.0.1").visit("prune").visit("heads").visit("attention").visit("prune")
    assert opened.metric("Heads on") == "9 of 12"


def test_every_head_off_is_measured_like_any_other_mask(tab) -> None:
    opened = tab().visit("prune").press("All off")
    assert opened.metric("Heads on") == "0 of 12"
    assert opened.metric("Accuracy").endswith("%")


def test_the_test_split_is_used_only_when_asked(tab, desk) -> None:
    opened = tab(off="1.0.0").visit("prune")
    assert not any("test split" in job.title for job in desk._jobs.values())
    opened.press("Measure on the test split")
    assert any("test split" in job.title for job in desk._jobs.values())
    assert "only measurement on the test split" in opened.said()
    opened.session.change(opened.session.mask.switched([(1, 1)], on=False))
    opened.run().settle()
    assert "One measurement has been made on it" in opened.said()
    opened.press("Measure on the test split")
    assert "measurement 2 of 2 on the test split" in opened.said()
    assert "2 measurements have been made on it so far" in opened.said()


def test_two_tabs_with_two_masks_do_not_meet(tab) -> None:
    one, two = tab(off="f.0.0").visit("prune"), tab(off="0.0.f").visit("prune")
    assert one.metric("Heads on") == two.metric("Heads on") == "8 of 12"
    assert one.run().session.mask.encode() == "f.0.0"
    assert two.run().session.mask.encode() == "0.0.f"


def test_curves_are_drawn_for_the_chosen_methods(tab) -> None:
    opened = tab(methods="magnitude random", sentences="all").visit("curves")
    opened.press("Draw")
    table = opened.at.dataframe[-1].value
    assert set(table["method"]) == {"magnitude", "random"}
    assert sorted(set(table.loc[table["method"] == "random", "seed"])) == list(range(20))


def test_markup_in_a_text_is_shown_and_not_run(tab) -> None:
    opened = tab(text="<script>alert(1)</script> **film** $x$").visit("attention")
    assert opened.at.text_area[0].value == "<script>alert(1)</script> **film** $x$"


def test_a_speed_comparison_says_what_masking_does_not_buy(tab) -> None:
    opened = tab(off="f.0.0").visit("prune").press("Measure")
    assert "masking makes nothing faster" in opened.said()
    assert list(opened.at.dataframe[1].value["model"]) == [
        "full model",
        "masked model",
        "smaller model",
    ]


def test_scores_join_the_statistics_and_say_where_they_agree(tab) -> None:
    opened = tab().visit("heads").press("Score the heads by every quick method")
    assert "score_taylor" in opened.at.dataframe[0].value
    assert "are orders and their reverse; they are left out below" in opened.said()
    assert "methods keep" in opened.said()
    opened.box("choice_statistic").select("score_repair-aware")
    assert "kept longest" in opened.run().said()


def test_a_model_without_heads_is_written_checked_and_offered(tab, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HEADCOUNT_DATA", str(tmp_path))
    opened = tab(off="1.0.8").visit("export").press("Remove, repair and write").settle()
    said = opened.said()
    assert "Does it still answer well?" in said
    assert said.count("answers differ by") >= 2
    (folder,) = (tmp_path / "exports").iterdir()
    assert (folder / "model.safetensors").is_file()
    assert any("Download the model" in button.label for button in opened.at.get("download_button"))
