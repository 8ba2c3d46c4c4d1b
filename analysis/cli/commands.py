"""The commands of `headcount`, and the sentences that they end with when something cannot be done."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from analysis import __version__
from analysis.cli.dashboard import start
from analysis.cli.evaluate import evaluate_command
from analysis.cli.interrupt import pressed
from analysis.cli.plans import plans_app
from analysis.cli.profile import profile_command
from analysis.cli.prune import prune_command
from analysis.cli.rank import rank_command
from analysis.cli.report import report_command
from analysis.cli.sweep import sweep_command
from analysis.errors import HeadcountError

FAILED = 2
"""Exit code after a request that cannot be met."""
BROKEN = 1
"""Exit code after an error in Headcount itself."""


class Sentences(TyperGroup):
    """Commands whose errors are one sentence on the standard error, never a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; end with a sentence and an exit code if it cannot be done."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise
        except Exception as error:
            if pressed():
                raise KeyboardInterrupt from error
            if isinstance(error, HeadcountError):
                _say(f"headcount: {error}")
                raise typer.Exit(FAILED) from error
            if os.environ.get("HEADCOUNT_DEBUG"):
                raise
            _say(
                f"headcount: an error in Headcount itself ({type(error).__name__}: {error}); "
                "set HEADCOUNT_DEBUG=1 to see where"
            )
            raise typer.Exit(BROKEN) from error


app = typer.Typer(
    cls=Sentences,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="How many attention heads does your model really need? Without a command the dashboard starts.",
)
app.command("profile")(profile_command)
app.command("rank")(rank_command)
app.command("evaluate")(evaluate_command)
app.command("sweep")(sweep_command)
app.command("prune")(prune_command)
app.command("report")(report_command)
app.add_typer(plans_app, name="plans")


@app.callback(invoke_without_command=True)
def dashboard(
    context: typer.Context,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port; 8501 or the next free one.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")
    ] = "localhost",
    headless: Annotated[
        bool, typer.Option("--headless", "--no-browser", help="Do not open a browser.")
    ] = False,
    model: Annotated[
        str, typer.Option(help="Model to begin with: demo, hub id or folder.")
    ] = "demo",
    data: Annotated[
        str, typer.Option(help="Labelled text to begin with: demo, hub id, folder or file.")
    ] = "demo",
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """How many attention heads does your model really need? Without a command the dashboard starts."""
    if version:
        typer.echo(f"headcount {__version__}")
    elif context.invoked_subcommand is None:
        start(port=port, host=host, browser=not headless, model=model, data=data)


def _say(sentence: str) -> None:
    print(" ".join(sentence.split()), file=sys.stderr)
