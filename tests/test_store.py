"""What goes into the store comes out, on SQLite and on PostgreSQL, also when many use it at once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import postgres
import pytest
from sqlalchemy import create_engine, make_url, text

from analysis.errors import PlanError, StoreError
from analysis.mask import HeadMask
from analysis.plan import Plan
from analysis.store import Look, Occasion, Result, Saving, Setting, Store, schema
from analysis.store.plans import free_name

MODEL, DATA = "0" * 64, "1" * 64
FULL = HeadMask(((True,) * 4, (True,) * 4, (True, True)))
MASK = FULL.switched([(0, 1), (2, 1)], on=False)
BASE = Result(n=100, value=0.9, low=0.82, high=0.94, loss=0.3)
PRUNED = replace(BASE, value=0.88, change=-2.0, change_low=-5.0, change_high=1.0, fixed=1, broken=3)


@pytest.fixture(scope="session")
def server():
    with postgres.running() as address:
        yield address


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/plans.db"
    address = make_url(request.getfixturevalue("server"))
    name = f"test_{abs(hash(request.node.nodeid))}"
    administrator = create_engine(
        address.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with administrator.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    administrator.dispose()
    return address.set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def store(url):
    opened = Store(url)
    yield opened
    opened.close()


def plan(name: str = "half", **changes) -> Plan:
    return Plan(name, "demo", MODEL, changes.pop("mask", MASK), **changes)


def keep(store: Store, name: str = "half", **changes):
    parent, note = changes.pop("parent", None), changes.pop("note", "")
    return store.plans.keep(
        plan(name, **changes), data=DATA, data_name="demo", note=note, parent=parent
    )


def setting(mask: HeadMask = MASK, **changes) -> Setting:
    return Setting(MODEL, DATA, "selection", mask, **changes)


def test_what_goes_in_comes_out(store):
    first = keep(store, ablation="mean", repair="least-squares", note="two\nlines")
    second = keep(store, "שלום 🙂 <b>", mask=FULL, parent=first.id)
    assert store.plans.all() == (first, second)
    assert store.plans.get(second.id) == second
    assert first.as_plan(parent="full", numbers={"accuracy": 0.9}) == plan(
        ablation="mean", repair="least-squares", parent="full", numbers={"accuracy": 0.9}
    )


def test_plans_of_other_models_and_sentences_stay_apart(store):
    mine = keep(store)
    other = store.plans.keep(replace(plan(), fingerprint="2" * 64), data=DATA, data_name="demo")
    store.plans.keep(plan(), data="3" * 64, data_name="others")
    assert store.plans.all(fingerprint=MODEL, data=DATA) == (mine,)
    assert store.plans.all(fingerprint="2" * 64) == (other,)
    assert len(store.plans.all()) == 3


def test_a_deleted_plan_comes_back_as_it_was(store):
    kept = keep(store)
    child = keep(store, "child", parent=kept.id)
    store.plans.delete(kept.id)
    assert store.plans.all() == (child,)
    assert [each.id for each in store.plans.all(deleted=True)] == [kept.id]
    back = store.plans.restore(kept.id)
    assert replace(back, updated=kept.updated) == kept
    assert store.plans.restore(kept.id) == back


def test_a_plan_comes_back_beside_one_that_took_its_name(store):
    first = keep(store)
    store.plans.delete(first.id)
    keep(store)
    assert store.plans.restore(first.id).name == "half (2)"


def test_two_plans_of_a_model_cannot_have_one_name(store):
    keep(store)
    other = keep(store, "other")
    with pytest.raises(PlanError, match="called 'half' already"):
        keep(store)
    with pytest.raises(PlanError, match="called 'half' already"):
        store.plans.rename(other.id, " half\t")
    assert store.plans.rename(other.id, "third").name == "third"


@pytest.mark.parametrize("name", ["", "  ", "\x00\n"])
def test_a_plan_without_a_name_is_refused(store, name):
    with pytest.raises(PlanError, match="needs a name"):
        keep(store, name)


def test_a_plan_that_does_not_exist_is_named(store):
    with pytest.raises(PlanError, match="no plan 'nothing'"):
        store.plans.rename("nothing", "x")


def test_a_free_name_is_the_first_that_is_free():
    assert free_name("a", set()) == "a"
    assert free_name("a", {"a", "a (2)"}) == "a (3)"


def test_results_come_out_in_their_own_setting_only(store):
    store.results.keep(setting(), PRUNED)
    store.results.keep(setting(limit=50), replace(PRUNED, n=50))
    assert store.results.get(setting()) == PRUNED
    assert store.results.get(setting(limit=50)).n == 50
    for other in (
        setting(ablation="mean"),
        setting(repair="mean"),
        setting(precision="bfloat16"),
        replace(setting(), split="test"),
        replace(setting(), data="4" * 64),
        replace(setting(), fingerprint="4" * 64),
        setting(FULL),
    ):
        assert store.results.get(other) is None


def test_measuring_again_replaces_the_number_of_the_same_setting(store):
    store.results.keep(setting(), PRUNED)
    store.results.keep(setting(), replace(PRUNED, value=0.5))
    assert store.results.several([setting(), setting(FULL)]) == {
        setting(): replace(PRUNED, value=0.5)
    }


def test_no_experiment_overwrites_the_full_model(store):
    store.results.keep(setting(FULL), BASE)
    heads = [(layer, head) for layer, row in enumerate(MASK.rows) for head in range(len(row))]
    for head in heads:
        for ablation in ("zero", "mean"):
            mask = FULL.switched([head], on=False)
            store.results.keep(setting(mask, ablation=ablation), PRUNED)
    with pytest.raises(StoreError, match="full model"):
        store.results.keep(setting(FULL), PRUNED)
    with pytest.raises(StoreError, match="full model"):
        store.results.keep(setting(), BASE)
    assert store.results.get(setting(FULL)) == BASE
    assert store.results.get(setting(FULL, ablation="mean")) == BASE


def test_a_saving_belongs_to_one_computer_and_batch(store):
    occasion = Occasion(MODEL, MASK, "here, 2 threads", 1, 128)
    counted = Saving(parameters=10**10, flops=10**13)
    store.results.keep_saving(occasion, counted)
    timed = replace(counted, latency_ratio=1.2, latency_low=1.1, latency_high=float("nan"))
    there = replace(occasion, computer="there")
    store.results.keep_saving(there, timed)
    assert store.results.savings([occasion, there, replace(occasion, batch=8)]) == {
        occasion: counted,
        there: replace(timed, latency_high=None),
    }


def test_a_look_is_noted_once_in_the_order_of_the_first_time(store):
    first, second = Look(FULL.switched([(1, 1)], on=False)), Look(MASK, "mean")
    store.looks.keep(MODEL, DATA, [first, Look(FULL)])
    store.looks.keep(MODEL, DATA, [second, first])
    store.looks.keep(MODEL, "2" * 64, [])
    assert store.looks.all(FULL, MODEL, DATA) == (first, second)
    assert store.looks.all(FULL, MODEL, "2" * 64) == ()
    assert store.looks.all(FULL, "2" * 64, DATA) == ()


def test_a_plan_keeps_by_which_texts_it_and_its_parent_were_chosen(store):
    one, other = "0123456789ab", "ba9876543210"
    parent = keep(store, "parent", trace=other)
    child = keep(store, "child", trace=one, parent=parent.id)
    assert (parent.trace, child.trace) == (other, one + other)
    assert store.plans.get(child.id).as_plan().trace == one + other


def test_a_store_of_before_looks_and_traces_were_noted_learns_to(url):
    old = Store(url)
    kept = keep(old)
    old.close()
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg") if "postgresql" in url else url
    )
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE looks"))
        connection.execute(text("ALTER TABLE plans DROP COLUMN trace"))
        connection.execute(text("UPDATE headcount_store SET version = 2"))
    engine.dispose()
    new = Store(url)
    new.looks.keep(MODEL, DATA, [Look(MASK)])
    assert new.looks.all(FULL, MODEL, DATA) == (Look(MASK),)
    assert new.plans.all() == (kept,)
    new.close()


def test_a_store_is_the_same_after_it_was_closed(url):
    one = Store(url)
    kept = keep(one)
    one.close()
    again = Store(url)
    assert again.plans.all() == (kept,)
    again.close()


WRITER = """
import sys
from analysis.mask import HeadMask
from analysis.plan import Plan
from analysis.store import Result, Setting, Store
store = Store(sys.argv[1])
mask = HeadMask(((True, False),))
for turn in range(25):
    store.plans.keep(Plan(f"{sys.argv[2]} {turn}", "demo", "0" * 64, mask), data="1", data_name="d")
    result = Result(turn, 0.5, 0.4, 0.6, 0.7, 1.0, 0.0, 2.0, 1, 0)
    store.results.keep(Setting("0" * 64, "1", "selection", mask), result)
"""


def test_two_processes_and_many_threads_write_at_once(url):
    command = [sys.executable, "-c", WRITER, url]
    root = Path(__file__).parents[1]
    others = [subprocess.Popen([*command, name], cwd=root) for name in ("one", "two")]
    store = Store(url)
    with ThreadPoolExecutor(8) as pool:
        mine = list(pool.map(lambda turn: keep(store, f"mine {turn}"), range(40)))
    assert [other.wait(120) for other in others] == [0, 0]
    names = [each.name for each in store.plans.all()]
    assert len(names) == len(set(names)) == len(mine) + 50
    store.close()


def test_an_empty_store_is_made_once_by_many_at_once(url):
    stores = [Store(url) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(lambda store: store.plans.all(), stores)) == [()] * 6
    for each in stores:
        each.close()


def test_an_older_store_is_brought_up_to_date(url, monkeypatch):
    old = Store(url)
    kept = keep(old)
    old.close()
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    rename = "UPDATE plans SET note = 'moved'"
    step = {schema.VERSION - 1: lambda connection: connection.execute(text(rename))}
    monkeypatch.setattr(schema, "MIGRATIONS", step)
    for _ in range(2):  # the second time there is nothing to do
        new = Store(url)
        assert new.plans.all() == (replace(kept, note="moved"),)
        new.close()
        step.clear()


def test_a_newer_store_is_refused(url, monkeypatch):
    with monkeypatch.context() as later:
        later.setattr(schema, "VERSION", schema.VERSION + 1)
        newer = Store(url)
        assert newer.plans.all() == ()
        newer.close()
    store = Store(url)
    with pytest.raises(StoreError, match="newer Headcount"):
        store.plans.all()
    store.close()


def test_a_damaged_file_is_told_in_one_sentence(tmp_path):
    (tmp_path / "plans.db").write_bytes(b"not a database" * 1000)
    store = Store(f"sqlite:///{tmp_path}/plans.db")
    with pytest.raises(StoreError, match=r"plans.db is damaged .*; move the file away"):
        store.plans.all()
    store.close()


def test_a_read_only_store_can_be_read(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/plans.db")
    kept = keep(store)
    store.close()
    reading = Store(f"sqlite:///file:{tmp_path}/plans.db?mode=ro&uri=true")
    assert reading.plans.all() == (kept,)
    with pytest.raises(StoreError, match="is read-only"):
        reading.plans.delete(kept.id)
    reading.close()


def test_the_store_lies_in_the_user_data_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADCOUNT_DATA", str(tmp_path / "mine"))
    assert Store().place == str(tmp_path / "mine" / "headcount.db")
    monkeypatch.setenv("HEADCOUNT_DATABASE_URL", f"sqlite:///{tmp_path}/elsewhere.db")
    assert Store().place == str(tmp_path / "elsewhere.db")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("mysql://localhost/x", "names 'mysql'; plans are kept in postgresql or sqlite"),
        ("somewhere", "is not the address of a database"),
        ("postgresql://me:secret@127.0.0.1:1/x", "cannot be read"),
    ],
)
def test_a_store_that_cannot_be_used_says_so(address, sentence):
    with pytest.raises(StoreError, match=sentence) as told:
        Store(address).plans.all()
    assert "secret" not in str(told.value)
