from __future__ import annotations

import pytest

from analysis.errors import DataError
from analysis.reading.columns import choose, choose_text
from analysis.reading.numbering import number_labels
from analysis.reading.tables import Table

TEXTS = [f"a film that is number {number}" for number in range(10)]
ONES = [number % 2 for number in range(10)]


@pytest.mark.parametrize(
    ("text", "label"),
    [("text", "label"), ("Sentence", "Sentiment"), ("review", "target"), ("CONTENT", "Category")],
)
def test_columns_are_known_by_their_names(text, label):
    chosen = choose("x", Table({"id": list(range(10)), label: ONES, text: TEXTS}))
    assert (chosen.text, chosen.label, chosen.notes) == (text, label, ())


def test_columns_are_known_by_what_they_hold():
    table = Table(
        {"id": list(range(10)), "was": ONES, "said": TEXTS, "by": [f"p{n}" for n in ONES]}
    )
    with pytest.raises(DataError, match="no column can be told to hold the labels; name one of id"):
        choose("x", table)
    del table.columns["by"]
    chosen = choose("x", table)
    assert (chosen.text, chosen.label, len(chosen.notes)) == ("said", "was", 2)


def test_an_explicit_column_wins():
    chosen = choose("x", Table({"text": TEXTS, "other": TEXTS, "label": ONES}), "other")
    assert chosen.text == "other"


def test_the_split_column_is_noticed():
    table = Table({"text": TEXTS, "label": ONES, "Split": ["train"] * 10})
    assert choose("x", table).split == "Split"
    assert choose("x", table, label_column="Split").split is None


@pytest.mark.parametrize(
    ("columns", "asked", "sentence"),
    [
        (
            {"text": TEXTS, "label": ONES},
            ("txt", None),
            "unknown column 'txt'; did you mean 'text'",
        ),
        ({"text": TEXTS, "label": ONES}, ("label", "label"), "cannot both come from"),
        ({"text": TEXTS, "label": ONES}, ("label", "text"), "'label' holds no texts"),
        ({"premise": TEXTS, "hypothesis": TEXTS, "label": ONES}, (), "pairs of texts"),
        ({"a": ONES, "b": ONES}, (), "no column can be told to hold the texts"),
        ({"one film of many": TEXTS, "1": ["1", "0"] * 5}, (), "the first line is data"),
    ],
)
def test_columns_that_do_not_fit_get_one_sentence(columns, asked, sentence):
    with pytest.raises(DataError, match=sentence):
        choose("x", Table(columns), *asked)


@pytest.mark.parametrize(
    ("values", "names", "numbers"),
    [
        ([0, 1, 0], ("0", "1"), (0, 1, 0)),
        (["1", "0", ""], ("0", "1"), (1, 0, None)),
        ([1.0, 2.0, float("nan")], ("1", "2"), (0, 1, None)),
        (["1.0", "0.0"], ("0", "1"), (1, 0)),
        ([0, 1, -1], ("0", "1"), (0, 1, None)),
        ([True, False], ("false", "true"), (1, 0)),
        (["pos", "neg", None], ("neg", "pos"), (1, 0, None)),
        ([" very  good ", "bad"], ("bad", "very good"), (1, 0)),
    ],
)
def test_labels_are_numbered(values, names, numbers):
    labels = number_labels("x", values)
    assert (labels.names, labels.numbers) == (names, numbers)


def test_declared_and_given_names_name_the_numbers():
    assert number_labels("x", [1, 0], ("no", "yes")).names == ("no", "yes")
    assert number_labels("x", [1, 0], ("no", "yes"), ("neg", "pos")).names == ("neg", "pos")
    assert number_labels("x", ["yes", "NO"], ("no", "yes")).numbers == (1, 0)


def test_spellings_that_differ_in_case_are_one_label():
    labels = number_labels("x", ["Good", "Good", "good", "bad"])
    assert labels.names == ("bad", "Good")
    assert labels.notes == ("1 spellings of labels that differ in case alone were merged",)


def test_only_published_numbers_count_as_numbered():
    assert number_labels("x", [0, 1]).numbered
    assert not number_labels("x", ["a", "b"]).numbered
    assert number_labels("x", ["a", "b"], ("b", "a")).numbered


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([0.3, 0.7], "the measurement 0.3"),
        ([float("inf")], "the measurement inf"),
        ([[1], [2]], "holds a list"),
        ([None, ""], "the label column is empty"),
        (list(range(300)), "300 different values"),
        (["word " * 50, "b"], "the label column holds texts"),
    ],
)
def test_what_is_no_class_gets_one_sentence(values, sentence):
    with pytest.raises(DataError, match=sentence):
        number_labels("x", values)


def test_a_number_without_a_name_is_refused():
    with pytest.raises(DataError, match="the label 2 has no name; the names are no, yes"):
        number_labels("x", [0, 2], ("no", "yes"))


def test_one_column_is_enough_for_texts_alone_only():
    table = Table({"just a letter": ["to you"]})
    with pytest.raises(DataError, match="has one column"):
        choose("x", table)
    assert choose_text("x", table) == ("just a letter", ())
    with pytest.raises(DataError, match="no column can be told to hold the texts"):
        choose_text("x", Table({"a": [1], "b": [2]}))
