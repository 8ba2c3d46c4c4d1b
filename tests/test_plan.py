from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import PlanError
from analysis.mask import HeadMask
from analysis.plan import Plan

ANATOMY = SimpleNamespace(heads=(4, 4, 2))
FINGERPRINT = "0123456789abcdef" * 4


def plan(**changes):
    settings = {
        "name": "half",
        "model": "demo",
        "fingerprint": FINGERPRINT,
        "mask": HeadMask.off(ANATOMY, [(0, 3), (2, 1)]),
        "numbers": {"accuracy": 0.84, "n": 2000},
    }
    return Plan(**{**settings, **changes})


def changed(**changes):
    content = json.loads(plan().to_json())
    content.update(changes)
    return json.dumps(content)


lines = st.text(min_size=1, max_size=500).filter(str.isprintable)


@given(
    name=lines,
    parent=st.none() | lines,
    ablation=st.sampled_from(["zero", "mean"]),
    repair=st.sampled_from(["none", "mean", "least-squares"]),
    off=st.sets(st.sampled_from(HeadMask.full(ANATOMY).on_heads)),
    numbers=st.dictionaries(st.text(max_size=20), st.floats(-1e299, 1e299)),
)
def test_reading_inverts_writing(name, parent, ablation, repair, off, numbers):
    mine = plan(
        name=name,
        parent=parent,
        ablation=ablation,
        repair=repair,
        mask=HeadMask.off(ANATOMY, off),
        numbers=numbers,
    )
    assert Plan.from_json(ANATOMY, mine.to_json()) == mine
    assert Plan.from_json(ANATOMY, mine.to_json().encode(), fingerprint=FINGERPRINT) == mine


def test_a_plan_can_be_a_key():
    assert len({plan(), plan(), plan(name="other")}) == 2


def test_a_number_that_is_none_cannot_be_written():
    with pytest.raises(ValueError, match="not JSON compliant"):
        plan(numbers={"loss": float("nan")}).to_json()


def test_a_plan_for_other_weights_is_refused():
    with pytest.raises(PlanError, match="'half' was made for demo with other weights"):
        Plan.from_json(ANATOMY, plan().to_json(), fingerprint="f" * 64)


def test_a_plan_for_other_heads_is_refused():
    with pytest.raises(PlanError, match=r"does not fit the model: the mask .* has 3 layers"):
        Plan.from_json(SimpleNamespace(heads=(4, 4)), plan().to_json())
    with pytest.raises(PlanError, match="names heads past the 2"):
        Plan.from_json(SimpleNamespace(heads=(2, 2, 2)), plan().to_json())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (b"\xff\xfe\xff", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a plan of Headcount"),
        ('{"mask": "0.0.0"}', "not a plan of Headcount"),
        (" " * 1_000_001, "at most 1,000,000 characters"),
        (changed(headcount=3), "version 3; this Headcount reads version 2"),
        (changed(trace="abc"), "trace should be at most 128 times 12 hexadecimal digits"),
        (changed(trace="0" * 12 * 129), "trace should be at most 128 times"),
        (changed(trace=None), "trace should be at most"),
        (changed(headcount=True), "version True"),
        (changed(extra=1), "has an unknown key 'extra'"),
        ('{"headcount": 2}', "lacks key 'ablation'"),
        (changed(name=""), "name should be one line"),
        (changed(name="a\nb"), "name should be one line"),
        (changed(name="x" * 501), "name should be one line"),
        (changed(name=3), "name should be one line"),
        (changed(parent=3), "parent should be one line"),
        (changed(mask=None), "mask should be one line"),
        (changed(mask="zz.0.0"), "not a hexadecimal number"),
        (changed(fingerprint="abc"), "64 hexadecimal digits"),
        (changed(ablation="half"), "ablation is 'half'; it should be one of zero, mean"),
        (changed(repair=[]), "repair is .* it should be one of none, mean, least-squares"),
        (changed(numbers=[]), "numbers should be an object"),
        (changed(numbers={"n": "many"}), "number 'n' is not a number that can"),
        (changed(numbers={"n": True}), "number 'n' is not a number that can"),
        (changed(numbers={"n": 10**400}), "number 'n' is not a number that can"),
        (changed(numbers={"n": float("inf")}), "number 'n' is not a number that can"),
        (changed(numbers={str(n): n for n in range(1001)}), "at most 1000 numbers"),
    ],
)
def test_a_file_that_is_no_plan_gets_one_sentence(text, sentence):
    with pytest.raises(PlanError, match=sentence) as caught:
        Plan.from_json(ANATOMY, text)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


def test_a_plan_of_the_first_version_has_no_trace():
    content = json.loads(plan(trace="0123456789ab").to_json())
    del content["trace"]
    assert Plan.from_json(ANATOMY, json.dumps(content | {"headcount": 1})).trace == ""
    with pytest.raises(PlanError, match="lacks key 'trace'"):
        Plan.from_json(ANATOMY, json.dumps(content))
