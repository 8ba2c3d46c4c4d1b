from __future__ import annotations

from playwright.sync_api import Page, expect

TIMES = 3


def test_another_page_comes_whole_while_the_old_one_still_asks_for_its_parts(
    parted, page: Page
) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for _ in range(TIMES):
        page.goto(parted.address)
        page.get_by_role("button", name="Go").click()
        expect(page.get_by_text("All has come.")).to_be_visible()
        expect(page.get_by_role("heading", name="Second")).to_be_visible()
        page.wait_for_timeout(500)  # what was asked for meanwhile is answered now
        expect(page.get_by_text("All has come.")).to_be_visible()
    assert errors == []


def test_a_click_that_leads_away_counts_although_the_page_starts_again_meanwhile(
    parted, page: Page
) -> None:
    hold = parted.cache / "hold"
    page.goto(f"{parted.address}/restless")
    way = page.get_by_role("button", name="Go from a part")
    expect(way).to_be_visible()
    hold.touch()
    expect(page.get_by_text("Held.")).to_be_visible()
    page.wait_for_timeout(500)  # the part that is held is asked for once more
    way.click()
    page.wait_for_timeout(500)
    hold.unlink()
    expect(page.get_by_role("heading", name="Second")).to_be_visible()
