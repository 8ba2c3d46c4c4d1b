"""Fail when a test report shows that the browser tests did not run, or that some were skipped."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree


def main(report: str) -> None:
    """Read pytest's JUnit report."""
    cases = [
        case
        for case in ElementTree.parse(report).iter("testcase")
        if (case.get("classname") or "").startswith("tests.browser.")
    ]
    skipped = [case.get("name") for case in cases if case.find("skipped") is not None]
    if not cases or skipped:
        sys.exit(f"the browser tests did not all run: {len(cases)} found, skipped: {skipped}")


main(sys.argv[1])
