from __future__ import annotations

import re

import pytest
import torch

from analysis.errors import MethodError
from analysis.maps import Maps
from analysis.ui.bertviz import VIEWS, page

# BertViz 1.4.1 leaves its own script file open.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")


def maps(tokens: tuple[str, ...], heads: tuple[int, ...] = (2, 2)) -> Maps:
    n = len(tokens)
    return Maps(tokens, tuple(torch.full((count, n, n), 1 / n) for count in heads))


@pytest.mark.parametrize("view", VIEWS)
def test_the_page_asks_for_nothing_from_anywhere(view: str) -> None:
    shown = page(view, maps(("good", "film")))
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=", shown)
    assert shown.index("jQuery") < shown.index("requirejs(['jquery'")


@pytest.mark.parametrize("view", VIEWS)
def test_a_token_cannot_leave_the_script(view: str) -> None:
    plain = page(view, maps(("good", "film")))
    attack = page(view, maps(("</script><script>alert(1)</script>", "<!--")))
    assert attack.count("</script>") == plain.count("</script>")
    assert "<!--" not in attack[attack.index("requirejs(['jquery'") :]


@pytest.mark.parametrize("view", VIEWS)
def test_a_long_text_is_refused_with_the_reason(view: str, monkeypatch) -> None:
    monkeypatch.setitem(VIEWS, view, 4 * 5**2)
    assert page(view, maps(("a",) * 5))
    with pytest.raises(MethodError, match=r"with 4 heads .* up to 5 tokens, and this text has 6"):
        page(view, maps(("a",) * 6))


def test_unequal_layers_are_refused() -> None:
    with pytest.raises(MethodError, match="unequal"):
        page("head", maps(("a", "b"), heads=(2, 1)))
