"""The heads page says how far its scores depend on the sentences."""

from __future__ import annotations

import pytest

from analysis.scores import METHODS, QUICK


def test_stability_of_every_quick_method_comes_on_demand(tab) -> None:
    opened = tab().visit("heads")
    assert len(opened.at.dataframe) == 1
    opened.press("How stable are these scores?")
    table = opened.at.dataframe[0].value
    assert set(table["method"]) == {METHODS[name].title for name in QUICK if name != "random"}
    assert table["mean"].between(-1, 1).all()
    assert (table["lowest pair"] <= table["mean"] + 1e-9).all()
    steady = table.set_index("method").loc[METHODS["magnitude"].title, "mean"]
    assert steady == pytest.approx(1)
    assert "share no sentence" in opened.said()
