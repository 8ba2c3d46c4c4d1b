"""BertViz's head view and model view without a network, and safe with any token."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import MethodError
from analysis.mask import Head

if TYPE_CHECKING:
    from analysis.maps import Maps

VIEWS = {"head": 300_000, "model": 150_000}
"""Weights that each view can bear. BertViz writes every weight of every head as 19 characters of text: 300,000
of them are 6 MB (72 heads: 64 tokens). The model view draws them all as lines at once, a second for every 70,000,
and keeps half a gigabyte for as many as the head view is allowed."""

_LOADER = """
window.require = {config() {}};
window.requirejs = (names, run) => run(window.jQuery, window.d3);
"""


def page(view: str, maps: Maps, head: Head = (0, 0)) -> str:
    """A page with one of BertViz's views of one text; it loads nothing from anywhere.

    Args:
        view: `head`, lines of one layer, or `model`, all heads as small bundles of lines.
        maps: attention on the text.
        head: the head that the head view shows first.

    Raises:
        MethodError: there are more weights than the view can bear, or the layers have unequal numbers of
            heads, which BertViz cannot draw.
    """
    _check(view, maps)
    import bertviz

    weights = [layer[None].float() for layer in maps.weights]
    if view == "model":
        drawn = bertviz.model_view(weights, list(maps.tokens), html_action="return")
    else:
        drawn = bertviz.head_view(
            weights, list(maps.tokens), layer=head[0], heads=[head[1]], html_action="return"
        )
    return offline(drawn.data)


def _check(view: str, maps: Maps) -> None:
    counts, n = {len(layer) for layer in maps.weights}, len(maps.tokens)
    if len(counts) > 1:
        raise MethodError("BertViz cannot draw layers with unequal numbers of heads")
    heads = sum(len(layer) for layer in maps.weights)
    longest = int((VIEWS[view] / max(heads, 1)) ** 0.5)
    if n > longest:
        raise MethodError(
            f"BertViz draws every weight as a line and writes it as text; with {heads} heads its {view} view "
            f"stays usable up to {longest} tokens, and this text has {n}. The maps above show all of it"
        )


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
