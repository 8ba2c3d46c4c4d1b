"""The wheel, installed where no checkout is near."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONSTRAINTS = {
    canonicalize_name(line.split("==")[0]): line.split("==")[1].strip()
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if "==" in line and not line.startswith("#")
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-w", str(folder), str(ROOT)], check=True, timeout=300)
    return next(folder.glob("headcount-*.whl"))


@pytest.fixture(scope="module")
def elsewhere(wheel, tmp_path_factory):
    """Runs `headcount` from the unpacked wheel in a folder of its own."""
    site = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(site)

    def run(*code_or_module, **environment):
        return subprocess.run(
            [sys.executable, "-P", *code_or_module],
            cwd=tmp_path_factory.mktemp("elsewhere"),
            env={**os.environ, "PYTHONPATH": str(site), **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


@pytest.mark.slow
def test_the_wheel_holds_the_whole_program_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    assert tops == {"analysis", next(top for top in tops if top.endswith(".dist-info"))}
    pages = {f"analysis/_app/pages/{page.name}" for page in (ROOT / "pages").glob("*.py")}
    assert pages | {"analysis/_app/app.py", "analysis/_app/.streamlit/config.toml"} <= names
    sources = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "analysis").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sources <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


@pytest.mark.slow
def test_an_installed_package_brings_its_own_dashboard(elsewhere):
    done = elsewhere("-c", "from analysis.cli.dashboard import app_path; print(app_path())")
    assert re.search(r"site\d+/analysis/_app/app\.py$", done.stdout.strip()), done.stderr


@pytest.mark.slow
def test_the_demo_is_evaluated_from_another_folder(elsewhere):
    done = elsewhere("-m", "analysis.cli", "evaluate", "--off", "0.3", "--limit", "5", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["n"] == 5


def test_the_tested_set_lies_in_the_ranges():
    groups = PROJECT["dependency-groups"]
    asked = [
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["demo"],
        *(each for group in groups.values() for each in group if isinstance(each, str)),
    ]
    for requirement in map(Requirement, asked):
        tested = CONSTRAINTS[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(tested), requirement


def test_one_version_everywhere():
    import analysis

    assert PROJECT["project"]["version"] == analysis.__version__
