"""What every command is asked for, and the opening of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analysis.cli.output import IMPORTING, say, waiting

if TYPE_CHECKING:
    # PyTorch takes seconds to import; `--help` and a mistyped option need not wait for it.
    from analysis.models import Subject
    from analysis.text import LabelledText, Split

Model = Annotated[str, typer.Option("--model", help="demo, a hub id or a folder.")]
Data = Annotated[str, typer.Option("--data", help="demo, a hub id, a folder or a file.")]
SplitName = Annotated[str, typer.Option("--split", help="train, calibration, selection or test.")]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="Use that many texts, chosen by hash.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TextColumn = Annotated[str | None, typer.Option(help="Column of the data that holds the texts.")]
LabelColumn = Annotated[str | None, typer.Option(help="Column of the data that holds the labels.")]
Labels = Annotated[
    str | None, typer.Option(help="Output of the model for each label, such as neg=0,pos=1.")
]
Trust = Annotated[
    bool, typer.Option("--trust-remote-code", help="Run Python code that comes with the model.")
]


@dataclass(frozen=True)
class Request:
    """What every command is asked for: a model, sentences whose labels fit it, and a part of them."""

    model: str
    data: str
    split: str
    limit: int | None = None
    text_column: str | None = None
    label_column: str | None = None
    labels: str | None = None
    trust_remote_code: bool = False

    def open(self) -> tuple[Subject, LabelledText, Split]:
        """Load model and data, the latter's labels numbered as the model's outputs are."""
        with waiting(IMPORTING):
            _quiet()
            from analysis.data import load_data, matched
            from analysis.models import load_model
        with waiting(f"loading the data {self.data}"):
            data = load_data(
                self.data, text_column=self.text_column, label_column=self.label_column
            )
            split = data.split(self.split)
        with waiting(f"loading the model {self.model}"):
            subject = load_model(self.model, trust_remote_code=self.trust_remote_code)
        data = matched(data, subject.labels, self.labels)
        split = data.split(self.split)
        for note in data.notes if self.data != "demo" else ():
            say(f"{data.name}: {note}")
        return subject, data, split if self.limit is None else split.limited(self.limit)

    def answer(self) -> dict[str, Any]:
        """The part of the request that every answer repeats."""
        return {"model": self.model, "data": self.data, "split": self.split}


def _quiet() -> None:
    """Keep the libraries' own bars and warnings off the screen."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
