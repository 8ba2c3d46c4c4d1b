"""One self-contained HTML page about one plan: what goes, what it costs and buys, and how that was measured."""

from analysis.report.findings import Findings, Known, Measured, Wish, gathering
from analysis.report.page import page

__all__ = ["Findings", "Known", "Measured", "Wish", "gathering", "page"]
