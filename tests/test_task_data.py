"""Text without labels, and words with tags, from every kind of file."""

from __future__ import annotations

import json

import pyarrow
import pyarrow.parquet
import pytest

from analysis.data import load_data
from analysis.errors import DataError
from analysis.tasks import TASKS
from analysis.text import NO_LABEL

TEXT, TAGS = TASKS["causal-lm"], TASKS["token-classification"]
PARAGRAPHS = [f"paragraph {number} is\nof two lines ." for number in range(40)]
SENTENCES = [(["Ada", "Lovelace", "sings", str(number)], [1, 2, 0, 0]) for number in range(40)]
NAMES = ["O", "B-PER", "I-PER"]


def all_of(data):
    return [
        row for split in data.splits.values() for row in zip(split.texts, split.labels, strict=True)
    ]


def test_paragraphs_of_a_text_file_are_its_texts(tmp_path):
    (tmp_path / "a.txt").write_text("\n\n".join(PARAGRAPHS))
    data = load_data(tmp_path / "a.txt", task=TEXT)
    found = all_of(data)
    assert sorted(text for text, _ in found) == sorted(" ".join(p.split()) for p in PARAGRAPHS)
    assert {label for _, label in found} == {NO_LABEL}
    assert data.label_names == ()
    assert not any("one label" in note for note in data.notes)


def test_lines_are_texts_where_no_line_is_empty_and_long_ones_are_cut(tmp_path):
    long = " ".join(f"word{number}" for number in range(500))
    (tmp_path / "a.txt").write_text("\n".join([*(f"line {n}" for n in range(30)), long]))
    data = load_data(tmp_path / "a.txt", task=TEXT)
    texts = [text for text, _ in all_of(data)]
    pieces = [text for text in texts if "word" in text]
    assert len(pieces) > 1
    assert sum(len(piece.split()) for piece in pieces) == 500
    assert any("cut at spaces" in note for note in data.notes)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_column_of_texts_needs_no_labels(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    texts = [f"a text, number {number}" for number in range(40)]
    if ending == "csv":
        path.write_text("text\n" + "\n".join(f'"{text}"' for text in texts))
    elif ending == "jsonl":
        path.write_text("\n".join(json.dumps({"text": text}) for text in texts))
    else:
        pyarrow.parquet.write_table(pyarrow.table({"text": texts}), path)
    assert sorted(text for text, _ in all_of(load_data(path, task=TEXT))) == sorted(texts)


def test_the_demos_sentences_serve_language_models_too():
    data = load_data("demo", task=TEXT)
    assert set(data.split("test").labels) == {NO_LABEL}


@pytest.mark.parametrize("ending", ["conll", "jsonl", "parquet", "declared"])
def test_words_and_tags_come_alike_from_every_kind_of_file(tmp_path, ending):
    path = tmp_path / f"a.{'parquet' if ending == 'declared' else ending}"
    if ending == "conll":
        lines = [
            "\n".join(f"{word} X {NAMES[tag]}" for word, tag in zip(words, tags, strict=True))
            for words, tags in SENTENCES
        ]
        path.write_text("-DOCSTART- O\n\n# a remark\n" + "\n\n".join(lines) + "\n")
    elif ending == "jsonl":
        path.write_text(
            "\n".join(
                json.dumps({"tokens": words, "ner_tags": [NAMES[tag] for tag in tags]})
                for words, tags in SENTENCES
            )
        )
    else:
        words, tags = zip(*SENTENCES, strict=True)
        table = pyarrow.table({"tokens": list(words), "ner_tags": list(tags)})
        feature = {"_type": "List", "feature": {"_type": "ClassLabel", "names": NAMES}}
        declared = {"info": {"features": {"ner_tags": feature}}}
        if ending == "declared":
            table = table.replace_schema_metadata({"huggingface": json.dumps(declared)})
        pyarrow.parquet.write_table(table, path)
    data = load_data(path, task=TAGS)
    found = dict(all_of(data))
    assert len(found) == 40
    tags = found["Ada Lovelace sings 7"]
    names = [data.label_names[tag] for tag in tags]
    expected = NAMES if ending != "parquet" else ["0", "1", "2"]
    assert names == [expected[tag] for tag in (1, 2, 0, 0)]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"tokens": ["a", "b"], "ner_tags": [0]}, "sentence 0 has 2 words and 1 tags"),
        ({"text": "a b", "label": 1}, "no column with a list of words"),
        ({"tokens": ["a"], "ner_tags": [[0]]}, "is no tag"),
    ],
)
def test_rows_that_are_no_tagged_words_get_a_sentence(tmp_path, row, sentence):
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    with pytest.raises(DataError, match=sentence):
        load_data(tmp_path / "a.jsonl", task=TAGS)


def test_a_space_inside_a_word_does_not_make_two(tmp_path):
    rows = [{"tokens": ["New York", "", f"n{n}"], "tags": ["B", "O", "O"]} for n in range(20)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for text, tags in all_of(load_data(tmp_path / "a.jsonl", task=TAGS)):
        assert len(text.split(" ")) == len(tags) == 3
