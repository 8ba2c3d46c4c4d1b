from __future__ import annotations

import os
from pathlib import Path

import pytest

from analysis.errors import DataError
from analysis.ui import uploads


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADCOUNT_CACHE", str(tmp_path))


def kept() -> set[str]:
    return {path.read_text() for path in uploads.folder().iterdir()}


def put(content: str, used: float) -> str:
    """Keep a file that was used last at this time."""
    name = uploads.keep("a.csv", content.encode())
    os.utime(uploads.path_of(name), (used, used))
    return name


def test_a_kept_file_is_found_by_its_name_alone() -> None:
    name = uploads.keep("Reviews.CSV", b"text,label")
    assert Path(uploads.path_of(name)).read_bytes() == b"text,label"
    assert uploads.keep("other.csv", b"text,label") == name


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.exe", b"1", "upload one of csv"),
        ("a", b"1", "upload one of"),
        ("a.csv", b"", "is empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(name: str, content: bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        uploads.keep(name, content)
    assert kept() == set()


@pytest.mark.parametrize("name", ["upload:../../etc/passwd", "upload:abc.csv", "upload:"])
def test_a_name_that_is_no_upload_reaches_no_file(name: str) -> None:
    with pytest.raises(DataError, match="upload it again"):
        uploads.path_of(name)


def test_the_files_used_longest_ago_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_FILES", 2)
    old, older = put("old", 2000), put("older", 1000)
    uploads.path_of(older)  # used now
    put("new", 3000)
    assert kept() == {"older", "new"}
    with pytest.raises(DataError):
        uploads.path_of(old)


def test_bytes_are_counted_and_the_newest_stays_whatever_its_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uploads, "MOST_BYTES", 10)
    put("12345", 1000)
    put("67890", 2000)
    assert kept() == {"12345", "67890"}
    put("x" * 11, 3000)
    assert kept() == {"x" * 11}


def test_what_was_never_written_to_its_end_is_taken_away() -> None:
    part = uploads.folder() / "abc.csv.part-1"
    part.write_text("half")
    put("one", 1000)
    assert "half" in kept()  # perhaps it is being written
    os.utime(part, (1000, 1000))
    put("two", 2000)
    assert kept() == {"one", "two"}
