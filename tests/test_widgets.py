from __future__ import annotations

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from analysis.ui import widgets


def app() -> None:
    import streamlit as st

    from analysis.ui.state import current
    from analysis.ui.widgets import segments, setting, several, switch

    def follow_a_link() -> None:
        current().choices.update(ablation="mean", methods="fisher", timed="on", cells="map")

    setting("ablation", ["zero", "mean"], st.selectbox, label="Off heads add")
    setting("cells", ["numbers", "map"], segments, label="Cells show")
    several("methods", ["taylor", "fisher", "random"], label="Methods")
    switch("timed", label="Time")
    st.button("Follow", on_click=follow_a_link)
    names = ("ablation", "cells", "methods", "timed")
    st.caption(" · ".join(current().choices[name] for name in names))


def opened(**query: str) -> AppTest:
    at = AppTest.from_function(app)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def told(at: AppTest) -> tuple[int, list[int], list[int], bool]:
    """What a browser is told of the widgets that it has not drawn yet."""
    boxes = at.selectbox[0], at.get("segmented_control")[0], at.multiselect[0], at.toggle[0]
    box, cells, methods, timed = (each.proto for each in boxes)
    return box.default, list(cells.default), list(methods.default), timed.default


LINK = {"ablation": "mean", "cells": "map", "methods": "random taylor", "timed": "on"}


def test_every_run_tells_the_browser_what_is_chosen() -> None:
    """A browser may draw nothing before the second run."""
    at = opened(**LINK)
    first = told(at)
    assert first == (1, [1], [2, 0], True)
    assert told(at.run()) == first


def test_what_a_person_chooses_is_kept_and_told_from_then_on() -> None:
    at = opened()
    at.selectbox[0].select("mean")
    at.multiselect[0].set_value(["fisher"])
    at.toggle[0].set_value(True)
    at.run()
    assert at.caption[0].value == "mean · numbers · fisher · on"
    assert told(at) == (1, [0], [1], True)
    at.multiselect[0].set_value([])
    at.run()
    assert at.caption[0].value == "mean · numbers ·  · on"
    assert told(at.run()) == (1, [0], [], True)


def test_a_widget_keeps_its_key_when_a_person_chooses_and_gets_another_when_a_link_does() -> None:
    """The key stays so that the keyboard does; a browser holds a value for the old one."""
    at = opened()
    before = at.selectbox[0].key
    at.selectbox[0].select("mean")
    at.run()
    at.run()
    assert at.selectbox[0].key == before
    at.selectbox[0].select("zero")
    at.run()
    at.button[0].click()
    at.run()
    assert at.selectbox[0].key != before
    assert at.caption[0].value == "mean · map · fisher · on"
    assert at.multiselect[0].value == ["fisher"]
    assert told(at) == (1, [1], [1], True)


def test_what_is_not_offered_is_told_once_and_the_rest_is_kept() -> None:
    at = opened(methods="taylor nonsense", ablation="mean")
    assert at.multiselect[0].value == ["taylor"]
    assert at.selectbox[0].value == "mean"
    session = at.session_state["headcount"]
    assert len(session.notices) == 1
    assert "nonsense" in session.notices[0]


def test_a_click_on_a_widget_that_has_gone_changes_nothing() -> None:
    """A browser sends the value of such a widget once more with its next message."""
    at = AppTest.from_function(overtaken).run()
    assert not at.exception
    assert at.markdown[0].value == "mean"


def overtaken() -> None:
    import streamlit as st

    from analysis.ui.state import current
    from analysis.ui.widgets import setting

    clicks = []

    def noted(**how) -> None:
        st.session_state[how["key"]] = "zero"
        clicks.append(lambda: how["on_change"](*how["args"]))

    setting("ablation", ["zero", "mean"], noted)
    current().choices["ablation"] = "mean"
    setting("ablation", ["zero", "mean"], noted)
    clicks[0]()
    st.write(current().choices["ablation"])


def growing() -> None:
    import streamlit as st

    from analysis.ui.state import current
    from analysis.ui.widgets import setting

    there = st.session_state.setdefault("there", 191)
    labels = {"all": f"all {there}"}
    setting("sentences", ["all"], st.selectbox, format_func=labels.get, label="How many")
    st.button("Others", on_click=lambda: st.session_state.update(there=285))
    st.button("Anything")
    st.caption(" ".join(current().notices) or "none")


def test_a_widget_whose_labels_change_gets_another_key() -> None:
    """A browser answers with a label, and the old one names nothing any more."""
    at = AppTest.from_function(growing).run()
    before = at.selectbox[0].key
    for number in (1, 0, 1):
        at.button[number].click()
        at.run()
        assert at.caption[0].value == "none"
        assert at.selectbox[0].value == "all"
    assert at.selectbox[0].key != before
    assert at.selectbox[0].proto.options == ["all 285"]


def test_the_maps_of_a_rows_text_are_a_click_away(monkeypatch: pytest.MonkeyPatch) -> None:
    went: list[str] = []
    session = SimpleNamespace(choices={})
    column = SimpleNamespace(ButtonColumn=lambda *_, on_click, **__: on_click)
    state = {"rows": {"row": 1, "label": "Maps"}}
    stand_in = SimpleNamespace(column_config=column, session_state=state)
    monkeypatch.setattr(widgets, "st", stand_in)
    monkeypatch.setattr(widgets, "go", went.append)
    monkeypatch.setattr(widgets, "current", lambda: session)
    widgets.maps_column("rows", ["a fine film", "a dull one"])()
    assert went == ["pages/attention.py"]
    assert session.choices["text"] == "a dull one"
    state["rows"]["row"] = 2
    widgets.maps_column("rows", ["a fine film", "a dull one"])()
    assert went == ["pages/attention.py"]
