from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import analysis

SLOW = ("torch", "transformers", "streamlit", "pandas", "plotly", "numpy")


def modules_after(code: str) -> set[str]:
    shown = f"{code}\nimport sys; print('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_the_package_loads_nothing_slow():
    assert modules_after("import analysis; analysis.HeadMask").isdisjoint(SLOW)


def test_nothing_outside_ui_and_the_command_line_loads_streamlit():
    home = Path(analysis.__file__).parent
    parts = [file.relative_to(home).with_suffix("").parts for file in home.rglob("*.py")]
    names = [
        ".".join(("analysis", *part)).removesuffix(".__init__")
        for part in parts
        if part[0] not in ("ui", "cli", "_app", "__main__")
    ]
    assert {"analysis.mask", "analysis.models", "analysis.scores", "analysis.sweep"} <= set(names)
    loaded = modules_after("\n".join(f"import {name}" for name in names))
    assert "torch" in loaded
    assert "streamlit" not in loaded


def test_pages_are_drawn_without_pytorch():
    """Two threads that import transformers at once break it: only the work that loads a model may begin to."""
    home = Path(analysis.__file__).parent
    rooms = [file.relative_to(home.parent).with_suffix("") for file in home.glob("ui/**/*.py")]
    names = [".".join(room.parts).removesuffix(".__init__") for room in rooms]
    assert {"analysis.ui.cells", "analysis.ui.presenter.scenes"} <= set(names)
    loaded = modules_after("\n".join(f"import {name}" for name in names))
    assert "streamlit" in loaded
    assert loaded.isdisjoint(("torch", "transformers"))


@pytest.mark.parametrize("name", analysis.__all__)
def test_public_names_resolve_and_are_documented(name):
    assert getattr(analysis, name).__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'hedmask'"):
        _ = analysis.hedmask
