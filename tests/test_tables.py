from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import DataError
from analysis.reading.tables import _unquoted, read_table


def written(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
def test_a_csv_file_tells_its_own_delimiter(tmp_path, delimiter):
    path = written(tmp_path, "a.csv", f'text{delimiter}label\n"a{delimiter} b"{delimiter}1\n')
    assert read_table(path).columns == {"text": [f"a{delimiter} b"], "label": ["1"]}


def test_a_quoted_text_may_run_over_lines(tmp_path):
    path = written(tmp_path, "a.csv", 'text,label\r\n"one\r\ntwo",1\r\nthree,0\r\n')
    assert read_table(path).columns["text"] == ["one\ntwo", "three"]


def test_a_stray_quote_in_a_tsv_file_swallows_nothing(tmp_path):
    path = written(tmp_path, "a.tsv", 'text\tlabel\n"so bad\t0\n5" of rain\t1\n"said ""no"""\t0\n')
    assert read_table(path).columns["text"] == ['"so bad', '5" of rain', 'said "no"']


def test_utf_16_and_a_byte_order_mark_are_read(tmp_path):
    for encoding in ("utf-16", "utf-8-sig"):
        path = written(tmp_path, "a.csv", "text,label\ncafé,1\n".encode(encoding))
        assert read_table(path).columns == {"text": ["café"], "label": ["1"]}


def test_words_that_mean_missing_elsewhere_are_texts_here(tmp_path):
    path = written(tmp_path, "a.csv", "text,label\nNA,1\nnull,0\nNaN,1\n")
    assert read_table(path).columns["text"] == ["NA", "null", "NaN"]


def test_json_lines_and_a_json_list_read_alike(tmp_path):
    rows = [{"text": "a", "label": 1}, {"text": "b"}]
    lines = written(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))
    whole = written(tmp_path, "a.json", json.dumps(rows))
    assert read_table(lines) == read_table(whole)
    assert read_table(lines).columns == {"text": ["a", "b"], "label": [1, None]}


def test_parquet_hands_over_the_class_names_that_datasets_wrote(tmp_path):
    features = {"label": {"names": ["no", "yes"], "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    table = pa.table({"text": ["a", None], "label": [1, 0]})
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "a.parquet")
    read = read_table(tmp_path / "a.parquet")
    assert read.columns == {"text": ["a", None], "label": [1, 0]}
    assert read.class_names == {"label": ("no", "yes")}


@pytest.mark.parametrize("metadata", ["[]", "{}", "{bad", '{"info": {"features": 3}}'])
def test_damaged_metadata_of_a_parquet_file_is_as_good_as_none(tmp_path, metadata):
    table = pa.table({"text": ["a"]}).replace_schema_metadata({"huggingface": metadata})
    pq.write_table(table, tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet").class_names == {}


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", "", "a.csv is empty"),
        ("a.csv", "text,label\n", "holds no rows"),
        ("a.csv", "a film,1,2\nb,0\nc,1,2,3\n", "line 3 of a.csv has 4 columns"),
        ("a.csv", "text,text\na,b\n", "two columns named 'text'"),
        ("a.csv", b"text,label\ncaf\xe9,1\n", "not UTF-8 .byte 0xe9 in line 2"),
        ("a.csv", "text,label\na\0b,1\n", "zero bytes"),
        ("a.jsonl", '{"text": "a"}\n{"text"', "line 2 of a.jsonl is not JSON"),
        ("a.jsonl", "[1]\n", "line 1 of a.jsonl is not an object"),
        ("a.jsonl", '{"a": ' * 100_000, "line 1 of a.jsonl is not JSON"),
        ("a.json", "[1]", "entry 1 of a.json is not an object"),
        ("a.parquet", "PAR1", "not a readable parquet file"),
        ("a.parquet", b"PAR1" + b"\xff" * 64 + b"PAR1", "not a readable parquet file"),
        ("a.pkl", b"\x80\x04.", "should end in one of .csv"),
        ("a.xlsx", b"PK", "should end in one of .csv"),
    ],
)
def test_a_bad_file_gets_one_sentence(tmp_path, name, content, sentence):
    with pytest.raises(DataError, match=sentence) as caught:
        read_table(written(tmp_path, name, content))
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="cannot read"):
        read_table(tmp_path / "folder.csv")


@given(st.text(max_size=20))
def test_unquoting_inverts_quoting(text):
    assert _unquoted('"' + text.replace('"', '""') + '"') == text
