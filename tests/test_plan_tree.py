from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from analysis.mask import HeadMask
from analysis.plan_figures import APART, OFF, ON, mask_map, tree
from analysis.plan_tree import branches, table
from analysis.store import Result, Saving, StoredPlan
from analysis.tasks import TASKS

FULL = HeadMask(((True,) * 4, (True,) * 4))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
BASE = Result(n=100, value=0.9, low=0.8, high=0.95, loss=0.3)
PRUNED = replace(BASE, value=0.85, change=-5.0, change_low=-9.0, change_high=-1.0)


def plan(id: str, parent: str | None = None, off=((0, 0),)) -> StoredPlan:
    mask = FULL.switched(off, on=False)
    where = {"model": "demo", "fingerprint": "0", "data": "1", "data_name": "demo"}
    how = {"ablation": "zero", "repair": "none", "note": "", "trace": "", "deleted": None}
    return StoredPlan(
        id=id, name=id.upper(), mask=mask, parent=parent, created=NOW, updated=NOW, **where, **how
    )


def drawn(*plans, deleted=()):
    return [(branch.plan.id, branch.depth, branch.parent) for branch in branches(plans, deleted)]


def test_every_plan_stands_below_its_parent():
    plans = plan("a"), plan("b"), plan("c", "a"), plan("d", "c"), plan("e", "a")
    wanted = [("a", 0, None), ("c", 1, "a"), ("d", 2, "c"), ("e", 1, "a"), ("b", 0, None)]
    assert drawn(*plans) == wanted


def test_children_of_a_deleted_plan_move_up():
    gone = plan("b", "a")
    assert drawn(plan("a"), plan("c", "b"), deleted=[gone]) == [("a", 0, None), ("c", 1, "a")]
    assert drawn(plan("c", "b"), deleted=[gone, plan("a")]) == [("c", 0, None)]
    assert drawn(plan("c", "unknown")) == [("c", 0, None)]


def test_no_plan_is_lost_where_parents_go_round():
    assert drawn(plan("c", "a"), deleted=[plan("a", "b"), plan("b", "a")]) == [("c", 0, None)]


def test_a_table_leaves_out_what_was_not_measured():
    tree_of = branches([plan("a"), plan("b", "a", [(0, 0), (1, 1)])])
    found = table(tree_of, {"b": PRUNED}, {"a": Saving(10, 20, 1.5, 1.2, 1.9)}).set_index("id")
    assert list(found["heads_on"]) == [7, 6]
    assert found.loc["b", "value"] == 0.85
    assert found.loc["a", "latency_ratio"] == 1.5
    assert found["value"].isna().tolist() == [True, False]
    assert found["parameters"].isna().tolist() == [False, True]


def test_an_empty_tree_is_an_empty_table():
    assert table((), {}, {}).empty


def test_a_tree_is_drawn_with_a_line_from_each_parent():
    plans = [plan("a"), plan("b", "a", [(0, 0), (1, 1)]), plan("c", "a", [(1, 0), (1, 1)])]
    measured = {"a": PRUNED, "b": replace(PRUNED, value=0.8)}
    figure = tree(table(branches(plans), measured, {}), BASE, heads=8)
    lines, root, points = figure.data
    assert list(lines.x) == [8, 7, None, 7, 6, None]
    assert list(lines.y) == [90, 85, None, 85, 80, None]
    assert list(points.customdata) == ["a", "b"]
    assert list(points.error_y.array) == pytest.approx([10, 15])
    assert (root.x, root.y) == ((8,), (90,))


def test_a_plan_whose_parent_was_not_measured_comes_from_the_full_model():
    plans = [plan("a"), plan("b", "a", [(0, 0), (1, 1)])]
    figure = tree(table(branches(plans), {"b": PRUNED}, {}), BASE, heads=8)
    assert list(figure.data[0].x) == [8, 6, None]
    assert list(tree(table((), {}, {}), None, heads=8).data[0].x) == []


def test_a_tree_of_perplexities_has_their_name_and_no_per_cent():
    measure = TASKS["causal-lm"].measures[0]
    figure = tree(
        table(branches([plan("a")]), {"a": replace(PRUNED, value=12.5)}, {}), None, 8, measure
    )
    assert list(figure.data[1].y) == [12.5]
    assert figure.layout.yaxis.title.text == "perplexity"
    assert "%," not in figure.data[1].hovertemplate


def test_a_name_with_markup_is_drawn_as_it_stands():
    found = table(branches([replace(plan("a"), name="<b>x</b>")]), {"a": PRUNED}, {})
    assert tree(found, BASE, 8).data[2].text == ("&lt;b&gt;x&lt;/b&gt;",)


def test_a_map_shows_where_two_masks_differ():
    one, other = FULL.switched([(0, 0), (0, 1)], on=False), FULL.switched([(0, 0)], on=False)
    heat, crosses = mask_map(one, other, "B").data
    assert [list(row) for row in heat.z] == [[0, 2, 1, 1], [1, 1, 1, 1]]
    assert [colour for _, colour in heat.colorscale] == [OFF, OFF, ON, ON, APART, APART]
    assert list(zip(crosses.y, crosses.x, strict=True)) == [("L0", "H0"), ("L0", "H1")]
    assert heat.customdata[0][1] == "L0.H1 is off here, on in B"
    assert heat.customdata[1][0] == "L1.H0 is on in both"


def test_a_map_of_unequal_layers_leaves_gaps():
    mask = HeadMask(((True,), (True, False, True)))
    (heat, _) = mask_map(mask, mask, "B").data
    assert [list(row) for row in heat.z] == [[1, None, None], [1, 0, 1]]
