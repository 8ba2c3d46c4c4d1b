"""The network is cut while somebody works, and comes back; what it has swallowed is not missed for long."""

from __future__ import annotations

import re

from browsing import cell, heads_off, measured, settled
from playwright.sync_api import Page, WebSocketRoute, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg


class Cable:
    """What a page's connection to the server runs through."""

    def __init__(self, page: Page) -> None:
        self._page, self._is_cut = page, False
        self._sockets: list[WebSocketRoute] = []
        self._last = ForwardMsg()
        page.route_web_socket(re.compile("_stcore/stream"), self._connect)

    def cut(self) -> None:
        self._is_cut = True
        self._page.context.set_offline(True)
        for socket in self._sockets:  # an open one outlives being offline
            socket.close()
        self._sockets.clear()

    def mend(self) -> None:
        self._is_cut = False
        self._page.context.set_offline(False)

    def tell_of_a_stranger(self) -> None:
        """Send an element whose surroundings the page has never heard of, as if they had been lost."""
        self._last.metadata.delta_path[:] = [0, 999, 0]
        self._sockets[-1].send(self._last.SerializeToString())

    def _connect(self, socket: WebSocketRoute) -> None:
        if self._is_cut:
            socket.close()
            return
        socket.connect_to_server().on_message(lambda message: self._pass_on(socket, message))
        self._sockets.append(socket)

    def _pass_on(self, socket: WebSocketRoute, message: bytes) -> None:
        told = ForwardMsg.FromString(message)
        if told.HasField("delta"):
            self._last = told
        socket.send(message)


def test_a_mask_outlives_a_cut_of_the_network(server, page) -> None:
    cable = Cable(page)
    page.goto(server.link("prune"))
    measured(settled(page), "12 of 12")
    cell(page, 1, 1).click()
    before = measured(page, "11 of 12")
    cable.cut()
    state = page.get_by_test_id("stApp")
    expect(state).not_to_have_attribute("data-test-connection-state", "CONNECTED")
    cable.mend()
    expect(state).to_have_attribute("data-test-connection-state", "CONNECTED")
    assert measured(settled(page), "11 of 12") == before
    expect(cell(page, 1, 1)).to_have_attribute("aria-checked", "false")
    cell(page, 2, 2).click()
    measured(page, "10 of 12")
    expect(heads_off(page)).to_have_count(2)
    expect(page).to_have_url(re.compile(r"off=0\.2\.4"))


def test_a_page_that_breaks_for_what_it_has_missed_comes_back_with_its_mask(server, page) -> None:
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    cable = Cable(page)
    page.goto(server.link("prune"))
    cell(settled(page), 1, 1).click()
    before = measured(settled(page), "11 of 12")
    with page.expect_event("load"):
        cable.tell_of_a_stranger()
    assert measured(page, "11 of 12") == before
    expect(cell(page, 1, 1)).to_have_attribute("aria-checked", "false")
    assert ["Bad delta path" in error for error in broken] == [True]
