from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

expect.set_options(timeout=60_000)

QUESTIONS = {
    "": "How many attention heads",
    "heads": "What does each head do",
    "attention": "Where does every head look",
    "prune": "What happens when these heads",
    "curves": "How fast does accuracy fall",
    "export": "What do you get when these heads",
}


def cell(page: Page, layer: int, head: int) -> Locator:
    return page.locator(f"button[data-layer='{layer}'][data-head='{head}']")


def heads_off(page: Page) -> Locator:
    return page.locator("button[role=switch][aria-checked=false]")


def tile(page: Page, label: str) -> Locator:
    """The value of a tile whose label is exactly this, so not one that is still growing."""
    metric = page.get_by_test_id("stMetric").filter(has_text=re.compile(rf"^{label}(?! …)"))
    return metric.get_by_test_id("stMetricValue")


def measured(page: Page, heads: str) -> str:
    """The accuracy, when it is that of so many heads and final."""
    expect(tile(page, "Heads on")).to_have_text(heads)
    expect(tile(page, "Accuracy")).to_have_text(re.compile(r"%"))
    return tile(page, "Accuracy").inner_text()


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_link_into_a_server_that_nobody_has_visited_opens_its_page(cold, page, name) -> None:
    page.goto(cold.link(name, off="3.0.8"))
    expect(page.locator("h1")).to_contain_text(QUESTIONS[name])
    expect(page.get_by_test_id("stTopNavLink")).to_have_count(len(QUESTIONS))
    expect(page.get_by_text("Getting the model ready")).to_be_visible()
    assert "off=3.0.8" in page.url


def test_a_click_changes_the_accuracy(server, page) -> None:
    page.goto(server.link("prune"))
    full = measured(page, "12 of 12")
    for head in range(4):
        cell(page, 0, head).click()
    assert measured(page, "8 of 12") != full
    expect(page.get_by_text("answers became wrong")).to_be_visible()
    page.get_by_role("button", name="All on").click()
    assert measured(page, "12 of 12") == full


def test_twenty_fast_clicks_are_twenty_switches(server, page) -> None:
    page.goto(server.link("prune"))
    measured(page, "12 of 12")
    for place in [*range(12), *range(8)]:
        cell(page, place // 4, place % 4).click(no_wait_after=True)
    expect(heads_off(page)).to_have_count(4)
    measured(page, "8 of 12")
    expect(heads_off(page)).to_have_count(4)
    expect(page).to_have_url(re.compile(r"off=0\.0\.f"))


def test_the_keyboard_is_enough(server, page) -> None:
    page.goto(server.link("prune"))
    measured(page, "12 of 12")
    cell(page, 0, 0).focus()
    for key in ("Space", "ArrowRight", "Enter", "ArrowDown", "End", "Space"):
        page.keyboard.press(key)
    measured(page, "9 of 12")
    expect(page).to_have_url(re.compile(r"off=3\.8\.0"))
    for key in ("Home", "ArrowLeft", "Enter"):  # the layer's own button
        page.keyboard.press(key)
    measured(page, "6 of 12")
    expect(page).to_have_url(re.compile(r"off=3\.f\.0"))


def test_a_drag_switches_what_it_crosses_and_shift_click_a_block(server, page) -> None:
    page.goto(server.link("prune"))
    measured(page, "12 of 12")
    cell(page, 0, 0).hover()
    page.mouse.down()
    cell(page, 0, 2).hover()
    page.mouse.up()
    measured(page, "9 of 12")
    cell(page, 1, 2).click()
    cell(page, 2, 3).click(modifiers=["Shift"])
    measured(page, "5 of 12")
    expect(page).to_have_url(re.compile(r"off=7\.c\.c"))


def test_undo_and_redo_move_the_board(server, page) -> None:
    page.goto(server.link("prune"))
    measured(page, "12 of 12")
    cell(page, 2, 1).click()
    measured(page, "11 of 12")
    page.get_by_role("button", name="Undo").click()
    expect(heads_off(page)).to_have_count(0)
    page.get_by_role("button", name="Redo").click()
    expect(heads_off(page)).to_have_count(1)
    measured(page, "11 of 12")


def test_two_people_with_two_masks_do_not_meet(server, chromium: Browser, page) -> None:
    other = chromium.new_context().new_page()
    page.goto(server.link("prune"))
    other.goto(server.link("prune"))
    measured(page, "12 of 12")
    measured(other, "12 of 12")
    for head in range(4):
        cell(page, 0, head).click()
        cell(other, 2, head).click()
    measured(page, "8 of 12")
    measured(other, "8 of 12")
    expect(page).to_have_url(re.compile(r"off=f\.0\.0"))
    expect(other).to_have_url(re.compile(r"off=0\.0\.f"))
    other.context.close()


def test_a_reload_keeps_the_mask(server, page) -> None:
    page.goto(server.link("prune", off="1.0.3"))
    before = measured(page, "9 of 12")
    page.reload()
    assert measured(page, "9 of 12") == before
    expect(heads_off(page)).to_have_count(3)


def test_a_change_of_page_keeps_the_mask(server, page) -> None:
    page.goto(server.link("prune"))
    measured(page, "12 of 12")
    cell(page, 1, 1).click()
    measured(page, "11 of 12")
    page.get_by_test_id("stTopNavLink").filter(has_text="Heads").click()
    expect(page.locator("h1")).to_contain_text(QUESTIONS["heads"])
    expect(page.get_by_text("11 of 12 heads on")).to_be_visible()
    page.get_by_test_id("stTopNavLink").filter(has_text="Prune").click()
    measured(page, "11 of 12")
    expect(cell(page, 1, 1)).to_have_attribute("aria-checked", "false")


def test_curves_go_on_while_another_page_is_open_and_after_a_reload(server, page) -> None:
    page.goto(server.link("curves", methods="magnitude random", sentences="all"))
    page.get_by_role("button", name="Draw").click()
    expect(page.get_by_text("masks").or_(page.get_by_text("All numbers")).first).to_be_visible()
    page.get_by_test_id("stTopNavLink").filter(has_text="Overview").click()
    expect(page.locator("h1")).to_contain_text(QUESTIONS[""])
    page.get_by_test_id("stTopNavLink").filter(has_text="Curves").click()
    expect(page.locator("h1")).to_contain_text(QUESTIONS["curves"])
    page.reload()
    expect(page.get_by_role("heading", name="All numbers")).to_be_visible()
    expect(page.get_by_test_id("stPlotlyChart")).to_be_visible()


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


def test_an_unknown_model_is_told_and_the_old_one_stays(server, page) -> None:
    page.goto(server.link("prune", off="1.0.0"))
    before = measured(page, "11 of 12")
    page.get_by_role("button", name=re.compile("data.csv")).click()
    page.get_by_label("Model", exact=True).fill("./no/such/folder")
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.get_by_test_id("stAlert")).to_contain_text("no/such/folder")
    assert measured(page, "11 of 12") == before
