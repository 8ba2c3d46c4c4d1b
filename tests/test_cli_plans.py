"""`headcount plans`, on a store with a plan and its branch."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from analysis.cli.commands import app
from analysis.mask import HeadMask
from analysis.plan import Plan
from analysis.store import Store

FULL = HeadMask(((True, True), (True, True)))
HALF = FULL.switched([(0, 1), (1, 0)], on=False)
TRACE = "0123456789ab"


@pytest.fixture
def plans():
    kept = Store().plans
    where = {"data": "1" * 64, "data_name": "films"}
    half = kept.keep(Plan("half [b]x[/b]", "demo", "0" * 64, HALF), **where)
    branch = Plan("branch", "demo", "0" * 64, HALF, ablation="mean", trace=TRACE)
    return half, kept.keep(branch, **where, parent=half.id)


def run(*arguments: str):
    return CliRunner().invoke(app, ["plans", *arguments])


def test_all_plans_are_listed(plans):
    told = run("list")
    assert told.exit_code == 0
    assert "half [b]x[/b]" in told.stdout
    assert "2 of 4" in told.stdout
    listed = json.loads(run("list", "--json").stdout)["plans"]
    assert [plan["name"] for plan in listed] == ["half [b]x[/b]", "branch"]
    assert listed[0]["off"] == "0.1,1.0"


def test_a_plan_is_shown_by_its_name_or_the_beginning_of_its_id(plans):
    by_name = json.loads(run("show", "branch", "--json").stdout)
    assert by_name == json.loads(run("show", plans[1].id[:6], "--json").stdout)
    assert by_name["parent"] == plans[0].id
    assert "ablation: mean" in run("show", "branch").stdout


def test_what_is_exported_can_be_read_back(plans, tmp_path):
    assert run("export", "branch", "--out", str(tmp_path / "plan.json")).exit_code == 0
    text = (tmp_path / "plan.json").read_text()
    assert text == run("export", "branch").stdout
    read = Plan.from_json(FULL, text, fingerprint="0" * 64)
    assert (read.mask, read.ablation, read.parent) == (HALF, "mean", "half [b]x[/b]")
    assert read.trace == TRACE


def test_a_deletion_is_undone(plans):
    told = run("delete", "branch")
    assert f"restore {plans[1].id[:8]}" in told.stdout
    assert [plan.name for plan in Store().plans.all()] == ["half [b]x[/b]"]
    assert json.loads(run("list", "--deleted", "--json").stdout)["plans"][0]["name"] == "branch"
    run("restore", "branch")
    assert len(Store().plans.all()) == 2


def test_a_name_that_two_plans_have_needs_an_id(plans):
    Store().plans.keep(Plan("branch", "demo", "2" * 64, HALF), data="1", data_name="other")
    told = run("delete", "branch")
    assert told.exit_code == 2
    assert "2 plans are called 'branch'" in told.stderr
    assert len(Store().plans.all()) == 3


@pytest.mark.parametrize("command", ["show", "export", "delete", "restore"])
def test_a_plan_that_is_not_there_is_named(command):
    told = run(command, "nothing")
    assert told.exit_code == 2
    assert "'nothing'" in told.stderr


def test_a_damaged_store_is_told_in_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "bad.db").write_bytes(b"no database" * 1000)
    monkeypatch.setenv("HEADCOUNT_DATABASE_URL", f"sqlite:///{tmp_path}/bad.db")
    told = run("list")
    assert told.exit_code == 2
    assert "is damaged" in told.stderr
