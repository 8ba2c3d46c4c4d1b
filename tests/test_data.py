from __future__ import annotations

import csv
import json

import pytest

from analysis.data import load_data
from analysis.errors import DataError
from analysis.text import NO_LABEL, Calibration, Selection, Test


def reviews(count=300):
    return [(f"a film, number {n}, that is good", "pos" if n % 3 else "neg") for n in range(count)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("HEADCOUNT_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def table(tmp_path):
    def write(rows, header=("review", "sentiment"), name="films.csv"):
        with (tmp_path / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])
        return tmp_path / name

    return write


def test_a_file_becomes_splits_with_a_purpose(table):
    data = load_data(table(reviews()))
    assert (data.name, data.label_names) == ("films.csv", ("neg", "pos"))
    assert isinstance(data.split("calibration"), Calibration)
    assert isinstance(data.split("selection"), Selection)
    assert isinstance(data.split("test"), Test)
    told = dict(reviews())
    for split in data.splits.values():
        assert all(
            told[text] == data.label_names[label]
            for text, label in zip(split.texts, split.labels, strict=True)
        )


def test_an_unknown_split_names_those_there_are(table):
    with pytest.raises(DataError, match="unknown split 'tst'; did you mean 'test'"):
        load_data(table(reviews())).split("tst")


def test_every_kind_of_file_gives_the_same_texts(tmp_path, table):
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts, labels = zip(*reviews(), strict=True)
    pq.write_table(pa.table({"review": texts, "sentiment": labels}), tmp_path / "films.parquet")
    lines = (json.dumps({"review": text, "sentiment": label}) for text, label in reviews())
    (tmp_path / "films.jsonl").write_text("\n".join(lines))
    tabs = "".join(f"{text}\t{label}\n" for text, label in reviews())
    (tmp_path / "films.tsv").write_text(f"review\tsentiment\n{tabs}")
    expected = load_data(table(reviews())).splits
    for ending in ("parquet", "jsonl", "tsv"):
        assert load_data(tmp_path / f"films.{ending}").splits == expected


def test_a_split_column_is_followed(table):
    rows = [(*row, "dev" if n % 2 else "test") for n, row in enumerate(reviews())]
    data = load_data(table(rows, ("text", "label", "split")))
    assert len(data.split("test")) == 150
    assert "splits were taken from the column 'split'" in data.notes


def test_a_column_that_only_looks_like_splits_is_not_followed(table):
    rows = [(*row, "red") for row in reviews()]
    data = load_data(table(rows, ("text", "label", "set")))
    assert len(data.splits) == 3
    assert any("was not taken for splits" in note for note in data.notes)


def test_empty_texts_and_missing_labels_are_dropped_and_counted(table):
    rows = [*reviews(), ("", "pos"), ("  ", "neg"), ("a text", "")]
    data = load_data(table(rows))
    assert sum(len(split) for split in data.splits.values()) == 300
    assert "2 rows without a text were dropped" in data.notes
    assert "1 texts without a label were dropped" in data.notes


def test_markup_and_any_script_stay_as_they_are(table):
    rows = [(f"<script>alert({n})</script> 好 {n}", n % 2) for n in range(40)]
    texts = {t for s in load_data(table(rows)).splits.values() for t in s.texts}
    assert texts == {text for text, _ in rows}


def test_what_no_tokenizer_can_encode_is_replaced(tmp_path):
    rows = (json.dumps({"text": f"half \ud800 {n}", "label": n % 2}) for n in range(40))
    (tmp_path / "a.jsonl").write_text("\n".join(rows))
    texts = [t for s in load_data(tmp_path / "a.jsonl").splits.values() for t in s.texts]
    assert all(text.encode() and text.startswith("half ?") for text in texts)


def test_a_huge_text_is_cut(table):
    rows = [*reviews(), ("word " * 100_000, "pos")]
    data = load_data(table(rows))
    assert "1 texts were cut to 100,000 characters" in data.notes
    assert max(len(t) for s in data.splits.values() for t in s.texts) <= 100_000


def test_columns_and_label_names_can_be_given(table):
    rows = [(n, text, n % 2) for n, (text, _) in enumerate(reviews())]
    path = table(rows, ("id", "said", "was"))
    data = load_data(path, text_column="said", label_column="was", labels=("neg", "pos"))
    assert data.label_names == ("neg", "pos")


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([(text, "pos") for text, _ in reviews()], "all texts have the label 'pos'"),
        ([("", label) for _, label in reviews()], "no row has both a text"),
        (reviews(8), "has 8 labelled texts .* at least 12 are needed"),
        ([(text, n) for n, (text, _) in enumerate(reviews())], "300 different values"),
    ],
)
def test_a_table_that_cannot_serve_gets_one_sentence(table, rows, sentence):
    with pytest.raises(DataError, match=sentence):
        load_data(table(rows))


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("none.csv", "there is no file none.csv"),
        ("./none", "cannot read none: its name should end in one of .csv"),
        ("a/b/c", "should end in one of .csv"),
        ("not an id", "is no file here and no data set id such as stanfordnlp/sst2"),
        ("x" * 5000, "is no file here and no data set id"),
        ("", "name a data set"),
    ],
)
def test_a_source_that_is_nothing_gets_one_sentence(spec, sentence):
    with pytest.raises(DataError, match=sentence):
        load_data(spec)


@pytest.fixture
def hub_folder(tmp_path):
    """A folder in the layout of `stanfordnlp/sst2`, its test split without labels."""
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features(
        {
            "idx": Value("int32"),
            "sentence": Value("string"),
            "label": ClassLabel(names=["negative", "positive"]),
        }
    )
    folder = tmp_path / "sst2"
    (folder / "data").mkdir(parents=True)
    for split, start, stop in (("train", 0, 600), ("validation", 600, 720), ("test", 800, 900)):
        numbers = range(start, stop)
        columns = {
            "idx": list(range(len(numbers))),
            "sentence": [f"sentence number {n} " for n in numbers],
            "label": [-1 if split == "test" else n % 2 for n in numbers],
        }
        rows = Dataset.from_dict(columns, features=features)
        rows.to_parquet(str(folder / "data" / f"{split}-00000-of-00001.parquet"))
    return folder


def test_a_folder_in_the_hub_layout_stands_for_the_hub(hub_folder):
    data = load_data(hub_folder)
    assert data.label_names == ("negative", "positive")
    assert data.split("test").texts == tuple(f"sentence number {n}" for n in range(600, 720))
    assert data.split("test").labels == (0, 1) * 60
    train = {
        text for name in ("train", "calibration", "selection") for text in data.split(name).texts
    }
    assert train == {f"sentence number {n}" for n in range(600)}
    assert "the test split has no labels and was left out" in data.notes


def test_a_folder_of_csv_files_is_read_by_its_names(tmp_path, table):
    for name in ("train", "test"):
        table([(f"{text} {name}", label) for text, label in reviews()], name=f"{name}.csv")
    assert len(load_data(tmp_path).split("test")) == 300


@pytest.fixture
def folder(tmp_path):
    """A folder of tables by path: 120 sentences each that name their file, with two labels."""

    def write(*names):
        for name in names:
            file = tmp_path / "texts" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            rows = [
                {"text": f"sentence {n} of {name}", "label": "no yes".split()[n % 2]}
                for n in range(120)
            ]
            file.write_text(READABLE[file.suffix](rows))
        return tmp_path / "texts"

    return write


def separated(mark):
    return lambda rows: "\n".join(
        mark.join(row) for row in [("text", "label"), *(r.values() for r in rows)]
    )


READABLE = {
    ".csv": separated(","),
    ".tsv": separated("\t"),
    ".jsonl": lambda rows: "\n".join(map(json.dumps, rows)),
}


def origins(data):
    """The files that the texts of each split come from."""
    return {
        name: {text.rsplit(" ", 1)[1] for text in split.texts}
        for name, split in data.splits.items()
    }


def test_a_folder_of_files_named_by_what_they_are_for_has_these_splits(folder):
    data = load_data(folder("calibration.csv", "selection.csv", "test.csv"))
    assert origins(data) == {
        "calibration": {"calibration.csv"},
        "selection": {"selection.csv"},
        "test": {"test.csv"},
    }
    assert {len(split) for split in data.splits.values()} == {120}
    assert data.notes == ()


@pytest.mark.parametrize(
    "name", ["holdout.csv", "Held-Out.tsv", "films_test.jsonl", "eval/films.csv"]
)
def test_files_of_all_kinds_and_spellings_serve_as_what_they_say(folder, name):
    found = origins(load_data(folder("train.csv", "dev.tsv", "calibration.jsonl", name)))
    assert found["test"] == {name}
    assert found["selection"] == {"dev.tsv"}
    assert found["calibration"] == {"calibration.jsonl"}


def test_several_files_of_one_split_are_read_together_aloud(folder):
    data = load_data(folder("test.csv", "holdout.jsonl", "selection.csv"))
    assert len(data.split("test")) == 240
    assert "holdout.jsonl, test.csv were read together as test" in data.notes


def test_files_that_are_not_read_are_named(folder):
    place = folder("calibration.csv", "test.csv", "films.csv", "train_or_test.csv")
    (place / "words.txt").write_text("a")
    (place / "README.md").write_text("# Films\n")
    data = load_data(place)
    assert set(origins(data)) == {"calibration", "test"}
    assert any(
        note.startswith("not read: films.csv, train_or_test.csv, words.txt (")
        for note in data.notes
    )


def test_a_single_named_file_is_divided_and_the_others_are_named(folder):
    data = load_data(folder("train.csv", "films.csv"))
    assert all(origin == {"train.csv"} for origin in origins(data).values())
    assert any(note.startswith("not read: films.csv (") for note in data.notes)


def test_files_whose_names_say_nothing_are_read_as_one_table(folder):
    data = load_data(folder("a.csv", "b.csv"))
    assert origins(data)["test"] == {"a.csv", "b.csv"}
    assert not any("not read" in note for note in data.notes)


def test_a_card_that_declares_files_is_followed_and_the_rest_is_named(folder):
    place = folder("first.csv", "second.csv", "calibration.csv")
    (place / "README.md").write_text(
        "---\nlicense: mit\nconfigs:\n- config_name: default\n  data_files:\n"
        "  - split: train\n    path: first.csv\n  - split: test\n    path: second.csv\n---\n"
    )
    data = load_data(place)
    assert origins(data)["test"] == {"second.csv"}
    assert origins(data)["calibration"] == {"first.csv"}
    assert any(note.startswith("not read: calibration.csv (") for note in data.notes)


def test_shards_are_put_together_and_files_beside_them_are_named(hub_folder, folder):
    before = load_data(hub_folder)
    assert not any("not read" in note for note in before.notes)
    (hub_folder / "holdout.csv").write_text("sentence,label\nfine,1\n")
    after = load_data(hub_folder)
    assert after.splits == before.splits
    assert any(note.startswith("not read: holdout.csv (") for note in after.notes)


def test_folders_that_hold_no_tables_are_refused(tmp_path):
    with pytest.raises(DataError, match="holds no tables"):
        load_data(tmp_path)
    (tmp_path / "data.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(DataError, match="holds no tables"):
        load_data(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "config.json").rename(tmp_path / "config.jsonx")
    (tmp_path / "words.txt").write_text("a\n")
    with pytest.raises(DataError, match="holds no tables"):
        load_data(tmp_path)


def test_without_a_network_the_hub_is_given_up_within_seconds(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)  # what the hub's client waits between its tries
    with pytest.raises(DataError, match="cannot reach the hub for the data set 'no-one/nothing'"):
        load_data("no-one/nothing")
    assert sum(slept) < 10


def test_texts_without_labels_are_read_where_none_are_needed(table, tmp_path):
    texts = [text for text, _ in reviews()]
    alone = table([[text] for text in texts], header=("review",), name="alone.csv")
    with pytest.raises(DataError, match=r"needed.* can be looked at \(headcount profile\)"):
        load_data(alone)
    (tmp_path / "alone.txt").write_text("\n\n".join(texts))
    for path in (alone, tmp_path / "alone.txt"):
        data = load_data(path, needs_labels=False)
        assert sorted(t for split in data.splits.values() for t in split.texts) == sorted(texts)
        assert {label for split in data.splits.values() for label in split.labels} == {NO_LABEL}
        assert data.label_names == ()
        assert "not judged" in " ".join(data.notes)


def test_labels_that_are_there_are_read_though_none_are_needed(table):
    path = table(reviews())
    assert load_data(path, needs_labels=False) == load_data(path)
