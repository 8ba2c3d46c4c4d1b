from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def one() -> None:
    import streamlit as st

    from analysis.ui.state import current
    from analysis.ui.widgets import setting

    called = []
    setting("ablation", ["zero", "mean"], lambda **how: called.append(how["on_change"]))
    del st.session_state["choice_ablation"]
    called[0]()
    st.write(current().choices["ablation"])


def several() -> None:
    import streamlit as st

    from analysis.ui.state import current
    from analysis.ui.widgets import several

    current().choices["methods"] = "taylor"
    called = []
    several("methods", ["taylor"], lambda **how: called.append(how["on_change"]))
    del st.session_state["choice_methods"]
    called[0]()
    st.write(current().choices["methods"])


@pytest.mark.parametrize(("script", "choice"), [(one, "zero"), (several, "taylor")])
def test_a_click_that_a_link_has_overtaken_changes_nothing(script, choice: str) -> None:
    """Following a link drops the widgets' values; a click on one may still be on its way then."""
    at = AppTest.from_function(script).run()
    assert not at.exception
    assert at.markdown[0].value == choice
