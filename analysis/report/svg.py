"""A few words of SVG: elements as text, with everything that people wrote made harmless."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def element(tag: str, *children: str, **attributes: object) -> str:
    """An element of these children, which are SVG themselves; `stroke_width=2` becomes `stroke-width="2"`."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_short(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{written}>{''.join(children)}</{tag}>"


def words(x: float, y: float, text: str, **attributes: object) -> str:
    """A text, shown as it is; it has the colour of the page's text."""
    styled: dict[str, object] = {"fill": "currentColor", "font_size": 12, **attributes}
    return element("text", escape(text), x=x, y=y, **styled)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: object) -> str:
    """A line in the colour of the page's text."""
    styled: dict[str, object] = {"stroke": "currentColor", **attributes}
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, **styled)


def path(
    places: Iterable[tuple[float, float]], *, closed: bool = False, **attributes: object
) -> str:
    """A line through these places, or the area that it encloses."""
    way = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    styled: dict[str, object] = {"fill": "none", **attributes}
    return element("path", d=f"M{way}{'Z' if closed else ''}", **styled)


def picture(width: float, height: float, label: str, *children: str) -> str:
    """A whole picture, which is also a file of its own.

    Args:
        width: in pixels; it becomes narrower where there is less room.
        height: in pixels.
        label: what it shows, for those who cannot see it.
        children: what is in it.
    """
    return element(
        "svg",
        element("title", escape(label)),
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_short(width)} {_short(height)}",
        width=width,
        height=height,
        role="img",
        aria_label=label,
        font_family="system-ui, sans-serif",
    )


def on_white(drawn: str) -> str:
    """A picture (see `picture`) with white behind it, as it is saved: no page lends it its own colours then."""
    head, title, rest = drawn.partition("</title>")
    paper = element("rect", width="100%", height="100%", fill="#ffffff")
    return f"{head}{title}{paper}{rest}"


def _short(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
