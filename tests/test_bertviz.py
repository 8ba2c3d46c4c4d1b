from __future__ import annotations

import re

import pytest
import torch

from analysis.errors import MethodError
from analysis.profiling import Maps
from analysis.ui.bertviz import LONGEST, head_view

# BertViz 1.4.1 leaves its own script file open.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")


def maps(tokens: tuple[str, ...], heads: tuple[int, ...] = (2, 2)) -> Maps:
    n = len(tokens)
    return Maps(tokens, tuple(torch.full((count, n, n), 1 / n) for count in heads))


def test_the_page_asks_for_nothing_from_anywhere() -> None:
    page = head_view(maps(("good", "film")))
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=", page)
    assert page.index("jQuery") < page.index("requirejs(['jquery'")


def test_a_token_cannot_leave_the_script() -> None:
    plain = head_view(maps(("good", "film")))
    attack = head_view(maps(("</script><script>alert(1)</script>", "<!--")))
    assert attack.count("</script>") == plain.count("</script>")
    assert "<!--" not in attack[attack.index("requirejs(['jquery'") :]


def test_a_long_text_is_refused_with_the_reason() -> None:
    with pytest.raises(MethodError, match=f"up to {LONGEST} tokens; this text has {LONGEST + 1}"):
        head_view(maps(("a",) * (LONGEST + 1)))


def test_unequal_layers_are_refused() -> None:
    with pytest.raises(MethodError, match="unequal"):
        head_view(maps(("a", "b"), heads=(2, 1)))
