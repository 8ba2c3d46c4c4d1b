"""What every command is asked for, and the opening of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analysis.cli.output import IMPORTING, say, waiting
from analysis.errors import MethodError

if TYPE_CHECKING:
    # PyTorch takes seconds to import; `--help` and a mistyped option need not wait for it.
    from analysis.models import Subject
    from analysis.text import LabelledText, Split

OPTIONS: dict[str, Any] = {
    "model": Annotated[str, typer.Option(help="demo, a hub id or a folder.")],
    "data": Annotated[
        str,
        typer.Option(
            help="demo, a hub id, a folder or a file: labelled texts, for a language model any text, for a "
            "tagger words with tags (CoNLL, or columns such as tokens and ner_tags)."
        ),
    ],
    "split": Annotated[
        str,
        typer.Option(
            help="train, calibration, selection or test.", show_default="selection, if there is one"
        ),
    ],
    "limit": Annotated[
        int | None, typer.Option(min=1, help="Use that many texts, chosen by hash.")
    ],
    "text_column": Annotated[
        str | None, typer.Option(help="Column of the data that holds the texts, or words.")
    ],
    "label_column": Annotated[
        str | None, typer.Option(help="Column of the data that holds the labels, or tags.")
    ],
    "labels": Annotated[
        str | None, typer.Option(help="Output of the model for each label, such as neg=0,pos=1.")
    ],
    "device": Annotated[str, typer.Option(help="Where the model runs: auto, cpu or cuda.")],
    "trust_remote_code": Annotated[
        bool, typer.Option("--trust-remote-code", help="Run Python code that comes with the model.")
    ],
}
"""The options that all commands share, by the field of a `Request`."""
SPLIT = Annotated[str, typer.Option(help="train, calibration, selection or test.")]
"""The split of a command that has a usual one of its own."""
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True)
class Request:
    """What every command is asked for: a model, text that fits it, and a part of that."""

    model: str = "demo"
    data: str = "demo"
    split: str = ""
    """Empty: the selection split, on which masks may be tried, or the test split of data without one."""
    limit: int | None = None
    text_column: str | None = None
    label_column: str | None = None
    labels: str | None = None
    device: str = "auto"
    trust_remote_code: bool = False

    def open(self, *, needs_labels: bool = True) -> tuple[Subject, LabelledText, Split]:
        """Load model and data, the latter's labels numbered as the model's outputs are.

        Args:
            needs_labels: whether texts for a classifier must have labels.

        Raises:
            MethodError: the model reads no text.
        """
        subject, data = self.open_any(needs_labels=needs_labels)
        if data is None:
            raise MethodError(
                f"{self.model} is a model for {subject.task.title.lower()} and reads no text; its heads can be "
                "scored without any (headcount rank --method magnitude) and removed (headcount prune)"
            )
        split = data.split(self.split or usual(data))
        return subject, data, split if self.limit is None else split.limited(self.limit)

    def open_any(self, *, needs_labels: bool = True) -> tuple[Subject, LabelledText | None]:
        """Load a model of any task, and its data where it reads text."""
        with waiting(IMPORTING):
            _quiet()
            from analysis.data import load_data, matched
            from analysis.models import load_model
        with waiting(f"loading the model {self.model}"):
            subject = load_model(
                self.model, trust_remote_code=self.trust_remote_code, device=self.device
            )
        if subject.note:
            say(subject.note)
        if subject.task.reads == "nothing":
            return subject, None
        with waiting(f"loading the data {self.data}"):
            columns = {"text_column": self.text_column, "label_column": self.label_column}
            data = load_data(self.data, task=subject.task, needs_labels=needs_labels, **columns)
            data = matched(data, subject.labels, self.labels)
        for note in data.notes if self.data != "demo" else ():
            say(f"{data.name}: {note}")
        return subject, data

    def answer(self) -> dict[str, Any]:
        """The part of the request that every answer repeats."""
        return {"model": self.model, "data": self.data, "split": self.split}


def usual(data: LabelledText) -> str:
    """The name of the split for whoever names none, with a sentence on which it is and why."""
    if "selection" in data.splits:
        say(
            "measured on the selection split, on which you may try as many masks as you like; "
            "--split test is for the one that you choose"
        )
        return "selection"
    say(
        "measured on the test split, since these sentences have no selection split: choose nothing by it"
    )
    return "test"


def asking(
    split: str = "", *, whole: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the shared options; it gets them as a `Request`, before its own.

    Args:
        split: the split that the command works on unless told otherwise; the usual one when empty.
        whole: whether it works on whole splits of its own choice, so that nobody is asked for one or for a part.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        def asked(**given: Any) -> None:
            shared = {name: given.pop(name) for name in options}
            command(Request(**{"split": split, **shared}), **given)

        defaults = {each.name: each.default for each in fields(Request)} | {"split": split}
        kind = inspect.Parameter.KEYWORD_ONLY
        _, *own = inspect.signature(command, eval_str=True).parameters.values()
        options = {**OPTIONS, **({"split": SPLIT} if split else {})}
        if whole:
            del options["split"], options["limit"]
        parameters = [
            inspect.Parameter(name, kind, default=defaults[name], annotation=annotation)
            for name, annotation in options.items()
        ]
        parameters += [each.replace(kind=kind) for each in own]
        asked.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        asked.__annotations__ = {each.name: each.annotation for each in parameters}
        asked.__name__, asked.__doc__ = command.__name__, command.__doc__
        return asked

    return decorate


def _quiet() -> None:
    """Keep the libraries' own bars and warnings off the screen."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
