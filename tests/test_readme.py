"""What the README tells people to type, typed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from analysis.cli.commands import app
from analysis.ui import navigation
from benchmarks.figures import readme

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    for line in block.splitlines()
    if line.startswith("headcount")
]


@pytest.mark.slow
def test_the_python_example_runs_as_it_stands(tmp_path):
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:analysis", "-c", example],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d+\.\d%, [+-]\d+\.\d points against all heads\n", done.stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_the_options_that_it_uses(command):
    _, *arguments = shlex.split(command)
    group = typer.main.get_command(app)
    if arguments and arguments[0] in group.commands:
        name, *arguments = arguments
        group.commands[name].make_context(name, arguments)
    else:
        group.make_context("headcount", arguments)


def test_every_command_of_the_program_is_shown():
    shown = {command.split()[1] for command in COMMANDS if " " in command}
    assert set(typer.main.get_command(app).commands) <= shown


def test_the_two_commands_name_what_is_there():
    assert (ROOT / "constraints.txt").is_file()
    assert 'pip install -c constraints.txt ".[demo]" && headcount' in README
    assert '-c constraints.txt -e ".[demo]" --group dev && pytest' in README


def test_the_table_of_speeds_is_the_one_that_the_benchmarks_print():
    assert readme() in README


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)]+)\)", README))
def test_every_link_into_the_repository_leads_somewhere(link):
    assert (ROOT / link).is_file()


def test_every_page_is_shown_in_light_and_dark():
    for place in navigation.places():
        for theme in ("light", "dark"):
            picture = f"docs/screenshots/{place.name}-{theme}.png"
            assert f"]({picture})" in README
            assert (ROOT / picture).is_file()
