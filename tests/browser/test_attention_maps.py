"""One text under all heads: clicks, BertViz without a network, and texts of every kind."""

from __future__ import annotations

import re

import pytest
from browsing import cell, settled
from playwright.sync_api import Browser, expect
from tiny import tiny_model, tiny_tokenizer

TEXTS = {
    "markup": "<img src=x onerror=\"document.title='run'\"><b>good</b> **bold** $x$ [a](javascript:1)",
    "right to left": "هذا فيلم جيد جدا وممتع ‮ good",
    "emoji": "👩‍👩‍👧‍👦 🎬👍🏽 good 🇸🇪",
}


def test_bertviz_draws_with_the_network_cut(server, chromium: Browser) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    left = []

    def cut(route) -> None:
        if route.request.url.startswith((server.address, "data:", "blob:")):
            route.continue_()
        else:
            left.append(route.request.url)
            route.abort()

    context.route("**/*", cut)
    page = context.new_page()
    attack = "</script><script>document.title='run'</script> good"
    page.goto(server.link("attention", text=attack, bertviz="head"))
    frame = page.frame_locator("iframe").first
    expect(frame.locator("svg line").first).to_be_attached()
    expect(frame.locator("select#layer option")).to_have_count(3)
    page.get_by_role("radio", name="model view").or_(page.get_by_text("model view")).first.click()
    expect(frame.locator("svg rect").first).to_be_attached()
    expect(frame.locator("select#layer")).to_have_count(0)
    expect(frame.locator("svg line").first).to_be_attached()
    assert page.title() != "run"
    assert [url for url in left if "cdnjs" in url] == []
    context.close()


def test_a_click_on_a_small_map_shows_it_large(server, page) -> None:
    page.goto(server.link("attention"))
    cell(page, 2, 3).click()
    expect(page.get_by_role("heading", name="L2.H3")).to_be_visible()
    expect(page).to_have_url(re.compile(r"head=2\.3"))


@pytest.fixture(scope="module")
def long_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that reads 512 tokens."""
    folder = tmp_path_factory.mktemp("long")
    tiny_model("distilbert", max_position_embeddings=512).save_pretrained(folder)
    tokenizer = tiny_tokenizer()
    tokenizer.model_max_length = 512
    tokenizer.save_pretrained(folder)
    return str(folder)


def test_a_text_of_512_tokens_is_drawn_and_the_page_still_answers(
    server, page, long_model: str
) -> None:
    text = " ".join(["good film"] * 255)
    page.goto(server.link("attention", model=long_model, text=text))
    expect(page.get_by_text("512 tokens, special ones included")).to_be_visible()
    colours = """canvas => new Set(new Uint32Array(
        canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"""
    settled(page)
    drawn = page.locator("canvas.map")
    assert drawn.evaluate(colours) > 10
    first = drawn.evaluate("canvas => canvas.toDataURL()")
    cell(page, 2, 3).click()
    expect(page.get_by_role("heading", name="L2.H3")).to_be_visible()
    settled(page)
    assert drawn.evaluate("canvas => canvas.toDataURL()") != first


@pytest.mark.parametrize("kind", TEXTS)
def test_a_text_of_any_kind_is_shown_as_it_is_and_never_run(server, page, kind: str) -> None:
    page.goto(server.link("attention", text=TEXTS[kind]))
    settled(page)
    expect(page.get_by_label("Text", exact=True)).to_have_value(TEXTS[kind])
    expect(page.get_by_text("tokens, special ones included")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert page.title() != "run"
    assert page.locator("img[src=x]").count() == 0


def test_a_hundred_thousand_characters_are_cut_and_that_is_said(server, page) -> None:
    page.goto(server.link("attention"))
    settled(page)
    box = page.get_by_label("Text", exact=True)
    box.evaluate(
        """(area, text) => {
            const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set;
            set.call(area, text);
            area.dispatchEvent(new Event("input", {bubbles: true}));
        }""",
        "good film " * 10_000,
    )
    box.press("Control+Enter")
    expect(page.get_by_text("tokens at most; what came after was not read")).to_be_visible()
    settled(page)
    expect(cell(page, 2, 3)).to_be_visible()
    assert len(page.url) < 3000
