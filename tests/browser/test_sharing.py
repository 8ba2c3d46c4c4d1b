"""What people take away: a link, a figure, a report; and the story told with the arrow keys."""

from __future__ import annotations

import re
from pathlib import Path

from browsing import settled
from playwright.sync_api import Browser, expect

from analysis import HeadMask, load_data, load_model
from analysis.data import matched
from analysis.plan import Plan
from analysis.progress import finish
from analysis.report.findings import Wish, gathering
from analysis.report.page import page

TITLES = ("read every text", "hang on some heads", "heads off", "are gone", "What is gained")


def test_a_link_shows_a_second_browser_the_same(server, chromium: Browser, page) -> None:
    page.goto(server.link("heads", off="1.0.3", statistic="previous", x="distance"))
    expect(page.get_by_text("9 of 12 heads on")).to_be_visible()
    page.get_by_role("button", name="Share").click()
    field = page.get_by_label("Whoever opens this link")
    expect(field).to_have_value(re.compile(r"off=1\.0\.3"))
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text(re.compile("Copied|Press Ctrl"))).to_be_visible()
    other = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    other.goto(field.input_value())
    expect(other.get_by_text("9 of 12 heads on")).to_be_visible(timeout=60_000)
    for shown in (page, other):
        expect(shown.get_by_text("Attention on the token just before")).to_be_visible()
    assert other.url == page.url
    other.context.close()


def test_a_figure_is_saved_as_png_svg_and_csv(server, page) -> None:
    page.goto(server.link("heads"))
    page.get_by_role("button", name="Save").first.click()
    taken = {}
    for name in ("Save heads-entropy as PNG", "Save heads-entropy as SVG", "CSV, the numbers"):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=name).click()
        content = Path(waiting.value.path()).read_bytes()
        taken[waiting.value.suggested_filename] = content
    assert set(taken) == {f"heads-entropy.{ending}" for ending in ("png", "svg", "csv")}
    assert taken["heads-entropy.png"].startswith(b"\x89PNG")
    assert b"<svg" in taken["heads-entropy.svg"][:200]
    rows = taken["heads-entropy.csv"].decode().splitlines()
    assert rows[0] == "layer,head,entropy,entropy_se"
    assert len(rows) == 13


def test_the_story_is_told_with_the_arrow_keys_and_without_scrolling(server, page) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(server.link("present"))
    for step, title in enumerate(TITLES, 1):
        expect(page.locator("h1")).to_contain_text(title)
        settled(page)
        room = page.get_by_test_id("stMain").evaluate("it => it.scrollHeight - it.clientHeight")
        assert room <= 0, title
        if step > 1:
            expect(page).to_have_url(re.compile(rf"step={step}"))
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("h1")).to_contain_text(TITLES[3])


def test_the_report_opens_with_the_network_cut(chromium: Browser, stored, tmp_path) -> None:
    subject = load_model(stored.model)
    data = matched(load_data(stored.data), subject.labels)
    mask = HeadMask.decode(subject.anatomy, "1.0.3")
    plan = Plan("</script><img src=x onerror=alert(1)>", "x", subject.fingerprint, mask)
    wish = Wish(("magnitude", "random"), (0.5,), (0, 1), limit=50, rounds=3, length=16)
    file = tmp_path / "report.html"
    file.write_text(page(finish(gathering(subject, data, plan, wish=wish))), encoding="utf-8")
    context = chromium.new_context(offline=True, viewport={"width": 360, "height": 800})
    opened, asked, told = context.new_page(), [], []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda message: told.append(message.text))
    opened.on("dialog", lambda dialog: told.append(dialog.message))
    opened.goto(file.as_uri())
    expect(opened.get_by_role("heading", name="In short")).to_be_visible()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert told == []
    assert opened.locator("svg").count() > 5
    assert opened.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()
