"""Another model, other sentences: what cannot be read is said, and the old stays."""

from __future__ import annotations

import re

from browsing import measured, settled
from playwright.sync_api import expect


def test_an_unknown_model_is_told_and_the_old_one_stays(server, page) -> None:
    page.goto(server.link("prune", off="1.0.0"))
    before = measured(page, "11 of 12")
    page.get_by_role("button", name=re.compile("data.csv")).click()
    page.get_by_label("Model", exact=True).fill("./no/such/folder")
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.get_by_test_id("stAlert")).to_contain_text("no/such/folder")
    assert measured(page, "11 of 12") == before


def test_an_interrupted_upload_leaves_nothing_and_the_old_stays(server, page) -> None:
    page.goto(server.link("prune", off="1.0.0"))
    before = measured(settled(page), "11 of 12")
    page.route("**/_stcore/upload_file/**", lambda route: route.abort())
    page.get_by_role("button", name=re.compile("data.csv")).click()
    page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(
        {"name": "half.csv", "mimeType": "text/csv", "buffer": b"text,label\ngood,positive\n"}
    )
    expect(page.get_by_test_id("stFileUploader")).to_contain_text(
        re.compile("error|fail", re.IGNORECASE)
    )
    assert measured(page, "11 of 12") == before
    uploads = server.cache / "uploads"
    assert not uploads.exists() or not list(uploads.iterdir())
