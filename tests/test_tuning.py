"""What is tuned or chosen is tuned or chosen on the selection split, or not at all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tiny import sentences

from analysis import tuning
from analysis.batches import batches
from analysis.errors import DataError, MethodError, ProtocolError
from analysis.evaluation import evaluate
from analysis.mask import HeadMask
from analysis.replay import Replay
from analysis.scores import METHODS, rank
from analysis.sweep import sweep, swept
from analysis.text import Calibration, Selection, Test
from analysis.tuning import Chosen, Tuned, choose, tune

CALIBRATION = Calibration(*sentences(12))
SELECTION = Selection(*sentences(10, seed=1))


def moved(subject, method, setting, keep) -> float:
    """The divergence of one setting's mask by plain evaluations and the formula written out."""
    mask = rank(subject, CALIBRATION, method, setting=setting).mask(subject.anatomy, keep)
    full, found = (
        evaluate(subject, batches(subject, SELECTION), each).predictions.logits.double()
        for each in (None, mask)
    )
    p, q = full.softmax(-1), found.softmax(-1)
    return float((p * (p / q).log()).sum(-1).mean())


@pytest.mark.parametrize("method", ["attention-guided", "hies"])
def test_tuning_takes_the_setting_with_the_least_divergence(distilbert, method, monkeypatch):
    exact = Replay(distilbert, SELECTION, precision="float32")
    monkeypatch.setattr(tuning, "answers_of", lambda *_: exact)
    found = tune(distilbert, CALIBRATION, SELECTION, method)
    assert len(found.table) == len(METHODS[method].choices)
    wanted = {
        setting: np.mean([moved(distilbert, method, setting, keep) for keep in (9, 6)])
        for setting in METHODS[method].choices
    }
    table = found.table.set_index("setting")["divergence"]
    assert table.to_dict() == pytest.approx(wanted, rel=1e-4, abs=1e-6)
    assert found.setting == min(wanted, key=wanted.get)
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
    found = swept(distilbert, text, names, **options)
    table = sweep(distilbert, text, names, **options)
    chosen = choose(found, 0.5)
    best = table[table["method"] != "random"]["accuracy"].max()
    assert table.set_index("method").loc[chosen.method, "accuracy"] == best
    assert chosen.mask.encode() == table.set_index("method").loc[chosen.method, "mask"]
    assert chosen.mask.heads_on == 6
    assert chosen.split == text.split("selection")
    with pytest.raises(DataError, match=r"no fraction 0\.3; it has 0\.5"):
        choose(found, 0.3)
    with pytest.raises(ProtocolError, match="not on 'test'"):
        choose(swept(distilbert, text, names, split="test", **options), 0.5)
    with pytest.raises(ProtocolError, match="not on 'test'"):
        Chosen("taylor", 0.5, HeadMask.full(distilbert.anatomy), text.split("test"))
