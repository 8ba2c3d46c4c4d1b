"""Widgets as Headcount uses them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st


def segments(options: Sequence[str], **how: Any) -> str:
    """Buttons side by side, one of which is always chosen."""
    return st.segmented_control(options=options, required=True, **how)
