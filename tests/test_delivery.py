"""One plan in, one model and its numbers out."""

from __future__ import annotations

import pytest
from families.tiny import build

from analysis.handover.delivery import Wish, delivering
from analysis.mask import HeadMask
from analysis.models import load_model
from analysis.plan import Plan
from analysis.progress import finish


@pytest.mark.parametrize("name", ["distilbert", "llama"])
def test_everything_is_measured_and_written(tokenizer, text, tmp_path, name):
    subject = load_model(build(name), tokenizer=tokenizer)
    heads = [(0, 0), (0, 4), (1, 1), (1, 5)] if name == "llama" else [(0, 0), (1, 2)]
    mask = HeadMask.off(subject.anatomy, heads)
    plan = Plan("less", "live", subject.fingerprint, mask, repair="mean")
    wish = Wish(folder=tmp_path / "out", length=16, rounds=2)
    found = finish(delivering(subject, text, plan, wish))
    assert list(found.standings)[:3] == ["before", "masked", "removed"]
    masked, removed = found.standings["masked"], found.standings["removed"]
    assert removed.main.value == pytest.approx(masked.main.value, rel=0.05)
    assert found.standings["before"].main.change is None
    assert removed.main.change is not None
    assert found.parity < 1e-4
    assert found.after.parameters < found.before.parameters
    assert found.after.flops < found.before.flops
    assert found.latency is not None
    assert found.written is not None
    assert found.written.parity[0].passed
    assert "all heads of attention are" in found.numbers()["ceiling"]
    assert found.recovery is not None
    repaired = found.standings["repaired"].main
    worse = repaired.change.points - removed.main.change.points
    sign = 1 if repaired.measure.higher_is_better else -1
    assert found.recovery.regained == pytest.approx(sign * worse, abs=1e-6)
    assert found.recovery.sentence in (tmp_path / "out/README.md").read_text()
    card = (tmp_path / "out/README.md").read_text()
    assert "removed against masked" in card
    assert f"{found.after.parameters:,} after" in card


def test_a_family_that_is_gate_only_can_be_padded(tokenizer, tmp_path):
    subject = load_model(build("t5"), tokenizer=tokenizer)
    mask = HeadMask.off(subject.anatomy, [(0, 1), (3, 2)])
    plan = Plan("less", "live", subject.fingerprint, mask)
    wish = Wish(folder=tmp_path / "out", padded=True, length=16, rounds=0)
    found = finish(delivering(subject, None, plan, wish))
    assert found.parity < 1e-4
    assert found.written is not None
    assert found.written.parity[0].form == "padded"
