"""Where the model and the sentences came from, and what the numbers were computed with."""

from __future__ import annotations

import platform

from analysis import __version__
from analysis.report import html
from analysis.report.findings import Findings
from analysis.text import Provenance


def origin(found: Findings, link: str) -> str:
    """Provenance, licences, versions, the machine, and the way back into the dashboard."""
    entries = [
        ("Model", _told(found.subject.name, found.subject.provenance)),
        ("Its weights (SHA-256)", found.subject.fingerprint),
        ("Sentences", _told(found.data.name, found.data.provenance)),
        *(("Note", note) for note in found.data.notes),
        ("Versions", versions()),
        ("Computer", machine()),
    ]
    parts = [html.terms(entries)]
    if link:
        parts += ["<h3>The same in a running dashboard</h3>", html.code(link)]
    return "".join(parts)


def versions() -> str:
    """What computed the numbers."""
    import torch
    import transformers

    return (
        f"Headcount {__version__}, Python {platform.python_version()}, torch {torch.__version__}, "
        f"transformers {transformers.__version__}"
    )


def machine() -> str:
    """What they were computed on, without naming whose it is."""
    import torch

    accelerator = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{platform.system()}, {platform.machine()}, {torch.get_num_threads()} threads, {accelerator}"


def _told(name: str, given: Provenance) -> str:
    parts = [name, f"from {given.source}", f"licence: {given.licence or 'not stated'}"]
    return ". ".join([", ".join(parts), given.note] if given.note else [", ".join(parts)])
