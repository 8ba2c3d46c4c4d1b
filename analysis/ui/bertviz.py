"""BertViz's head view without a network, and safe with any token."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import MethodError

if TYPE_CHECKING:
    from analysis.profiling import Maps

LONGEST = 64
"""Tokens that BertViz can bear: it writes every weight as text, 13 MB for 72 heads at 64 tokens and four
times as much with every doubling, and draws every weight as a line."""

_LOADER = """
window.require = {config() {}};
window.requirejs = (names, run) => run(window.jQuery, window.d3);
"""


def head_view(maps: Maps, head: tuple[int, int] = (0, 0)) -> str:
    """A page with BertViz's head view of one text; it loads nothing from anywhere.

    Args:
        maps: attention on the text.
        head: layer and head that are shown first.

    Raises:
        MethodError: the text is too long, or the layers have unequal numbers of heads, which BertViz
            cannot draw.
    """
    if len(maps.tokens) > LONGEST:
        raise MethodError(
            f"BertViz draws every weight as a line and is usable up to {LONGEST} tokens; "
            f"this text has {len(maps.tokens)}"
        )
    if len({len(layer) for layer in maps.weights}) > 1:
        raise MethodError("BertViz cannot draw layers with unequal numbers of heads")
    import bertviz

    view = bertviz.head_view(
        [layer[None].float() for layer in maps.weights],
        list(maps.tokens),
        layer=head[0],
        heads=[head[1]],
        html_action="return",
    )
    return offline(view.data)


def offline(page: str) -> str:
    """BertViz's HTML with its libraries inside and its data unable to leave the script.

    Raises:
        MethodError: the installed BertViz writes its page in a way that this does not know.
    """
    tag = re.search(r'<script src="https://cdnjs\S*require\S*"></script>', page)
    script = re.search(r'<script type="text/javascript">(.*)</script>', page, re.DOTALL)
    if tag is None or script is None:
        raise MethodError("the installed BertViz is not one that Headcount knows; install 1.4.1")
    # A token such as </script> would end the script and be read as HTML.
    harmless = script[1].replace("</", r"<\/").replace("<!--", r"<\!--")
    body = page[: tag.start()] + page[tag.end() : script.start()]
    style = "<style>:root{color-scheme:light}body{background:#fff;color:#1d2733}</style>"
    scripts = "".join(f"<script>{code}</script>" for code in (*_libraries(), _LOADER, harmless))
    return f"{style}{body}{scripts}"


@cache
def _libraries() -> tuple[str, ...]:
    """The libraries jQuery and d3 version 5, from the installed packages that carry them."""
    import mpld3
    from xstatic.pkg import jquery

    paths = (
        Path(jquery.BASE_DIR) / "jquery.min.js",
        Path(mpld3.__file__).parent / "js" / "d3.v5.min.js",
    )
    return tuple(
        path.read_text(encoding="utf-8").replace("</script", r"<\/script") for path in paths
    )
