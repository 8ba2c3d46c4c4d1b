"""What is tuned or chosen is tuned or chosen on the selection split, or not at all."""

from __future__ import annotations

import pandas as pd
import pytest
from tiny import sentences

from analysis.errors import DataError, MethodError, ProtocolError
from analysis.mask import HeadMask
from analysis.scores import METHODS
from analysis.sweep import sweep
from analysis.text import Calibration, Selection, Test
from analysis.tuning import Chosen, Tuned, choose, tune

CALIBRATION = Calibration(*sentences(12))
SELECTION = Selection(*sentences(10, seed=1))


@pytest.mark.parametrize("method", ["attention-guided", "hies"])
def test_tuning_takes_the_setting_with_the_least_divergence(distilbert, method):
    found = tune(distilbert, CALIBRATION, SELECTION, method)
    assert len(found.table) == len(METHODS[method].choices)
    best = found.table.sort_values("divergence").iloc[0]
    assert found.setting == tuple(best["setting"])
    assert found.rank(distilbert, CALIBRATION).setting == found.setting


@pytest.mark.parametrize("split", [Test(*sentences(5)), CALIBRATION])
def test_nothing_is_tuned_on_another_split(distilbert, split):
    with pytest.raises(ProtocolError, match="chosen on the selection split, not on"):
        tune(distilbert, CALIBRATION, split, "hies")
    with pytest.raises(ProtocolError, match="chosen on the selection split, not on"):
        Tuned("hies", (0.5,), split, pd.DataFrame())


def test_what_has_no_setting_is_not_tuned(distilbert):
    with pytest.raises(MethodError, match="'taylor' has nothing to tune"):
        tune(distilbert, CALIBRATION, SELECTION, "taylor")
    with pytest.raises(MethodError, match="did you mean 'hies'"):
        tune(distilbert, CALIBRATION, SELECTION, "hie")


def test_the_best_row_of_a_sweep_is_chosen_on_selection_only(distilbert, text):
    options = {"fractions": (0.5,), "seeds": (0,)}
    names = ("magnitude", "taylor", "random")
    table = sweep(distilbert, text, names, **options)
    chosen = choose(distilbert, table, 0.5)
    best = table[table["method"] != "random"]["accuracy"].max()
    assert table.set_index("method").loc[chosen.method, "accuracy"] == best
    assert chosen.mask.heads_on == 6
    with pytest.raises(DataError, match=r"no fraction 0\.3; it has 0\.5"):
        choose(distilbert, table, 0.3)
    judged = sweep(distilbert, text, names, split="test", **options)
    with pytest.raises(ProtocolError, match="not on 'test'"):
        choose(distilbert, judged, 0.5)
    with pytest.raises(ProtocolError, match="not on 'test'"):
        choose(distilbert, pd.concat([table, judged]), 0.5)
    with pytest.raises(ProtocolError, match="not on 'test'"):
        Chosen("taylor", 0.5, HeadMask.full(distilbert.anatomy), "test")
