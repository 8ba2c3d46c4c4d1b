"""Load a subject: a trained model whose heads Headcount can see, switch and remove."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.pytorch_utils import Conv1D

from analysis import hub
from analysis.anatomy import Anatomy, dissect, part, positions_of, sites_of
from analysis.attention import adopt
from analysis.errors import ModelError
from analysis.portable import Silent
from analysis.precision import device_of
from analysis.quantised import weights
from analysis.selftest import check_gates
from analysis.tasks import TASKS, Task, task_of
from analysis.text import Provenance

DEMO = "demo"
"""The name of the model that comes with Headcount."""
LONGEST = 512
"""Tokens of a text that are read at most when neither model nor tokenizer states a limit."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A loaded model with all that Headcount needs to know of it. Shared by many and never changed."""

    spec: str
    """What it was asked for as: `demo`, a hub id, a folder, or `live`."""
    name: str
    """What to call it on a page."""
    model: Any
    """The transformers model, in evaluation mode and float32; read-only by agreement."""
    tokenizer: Any
    """The transformers tokenizer; None for a model of images."""
    anatomy: Anatomy
    labels: tuple[str, ...]
    """Name of each output, in the order of the logits; none where the task has no labels."""
    max_length: int
    """Tokens of a text that the model reads at most."""
    provenance: Provenance

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the weights; two models with one fingerprint compute the same."""
        return fingerprint(self.model)

    @cached_property
    def task(self) -> Task:
        """What the model was trained to do."""
        return task_of(type(self.model).__name__)

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.model.parameters()).device

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(weight.numel() for weight in weights(self.model))

    @property
    def note(self) -> str:
        """What a mask or a smaller model means here, where that needs words; else empty."""
        return " ".join(filter(None, (self.anatomy.note, self._left_behind)))

    @property
    def _left_behind(self) -> str:
        """A sentence on the head of a model that was stored with one that is not judged."""
        stored = str((getattr(self.model.config, "architectures", None) or [""])[0])
        loaded = type(self.model).__name__
        if self.task is not TASKS["representation"] or stored in ("", loaded):
            return ""
        return (
            f"Stored as {stored}, whose answers are not judged here: it was loaded as the bare {loaded}, "
            "and a smaller model is written without that head."
        )


def load_model(
    spec: str | Path | PreTrainedModel,
    *,
    tokenizer: PreTrainedTokenizerBase | None = None,
    trust_remote_code: bool = False,
    device: str = "auto",
) -> Subject:
    """Load a model: a classifier of texts or tokens, a language model, or a bare encoder.

    Args:
        spec: `demo`, a hub id, a folder with safetensors weights, or a live transformers model. A live
            model is not changed: the subject shares its weights, not its structure.
        tokenizer: needed with a live model of texts; overrides the stored one otherwise.
        trust_remote_code: run Python code that comes with the model. Off unless asked for by name.
        device: where to put it: `auto`, `cpu` or `cuda`. A live model stays where it is.

    Raises:
        MethodError: a device that does not exist or is not here.
        ModelError: the model cannot be found or read, is of an unsupported family, is a classifier with
            fewer than two labels, or holds weights that are quantised or not numbers.
    """
    if isinstance(spec, nn.Module):
        if tokenizer is None and getattr(spec, "main_input_name", "") != "pixel_values":
            raise ModelError("a live model needs its tokenizer: load_model(model, tokenizer=...)")
        return subject_of(
            structural_copy(spec), tokenizer, "live", Provenance("given at run time", "", "")
        )
    spec = str(spec)
    if spec == DEMO:
        from analysis.demo.model import load

        model, stored, provenance = load()
    else:
        model, stored, provenance = hub.load_pretrained(spec, trust_remote_code=trust_remote_code)
    placed = model.to(device_of(device))
    return subject_of(placed, tokenizer or stored, spec, provenance)


def subject_of(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase | None,
    spec: str,
    provenance: Provenance,
) -> Subject:
    """Make a subject of a model that is ours to adopt, and prove that its gates work.

    Raises:
        ModelError: see `load_model`.
    """
    if getattr(model.config, "quantization_config", None):
        raise ModelError(f"the model {spec} is quantised; give it in float32, float16 or bfloat16")
    _check_projections(model)
    anatomy = dissect(model)
    labels = _labels(model)
    _check_weights(model)
    model = model.float().eval().requires_grad_(False)
    adopt(model)
    check_gates(model, anatomy)
    return Subject(
        spec=spec,
        name="DistilBERT demo" if spec == DEMO else Path(spec).name or spec,
        model=model,
        tokenizer=tokenizer,
        anatomy=anatomy,
        labels=labels,
        max_length=_max_length(model, tokenizer),
        provenance=provenance,
    )


def fingerprint(model: nn.Module) -> str:
    """SHA-256 over names, shapes and values of all weights, as a hexadecimal number."""
    digest = hashlib.sha256()
    for name, entry in sorted(model.state_dict().items()):
        for tensor in _tensors(entry):
            digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
            raw = tensor.detach().cpu().contiguous()
            digest.update(memoryview(raw.reshape(-1).view(torch.uint8).numpy()))
    return digest.hexdigest()


def _tensors(entry: Any) -> Iterator[Any]:
    """The numbers of an entry of a state: one tensor, or the weights and the bias that a quantised layer packs."""
    if isinstance(entry, tuple):
        yield from chain.from_iterable(map(_tensors, entry))
    elif isinstance(entry, Tensor):
        yield entry.dequantize() if entry.is_quantized else entry


def structural_copy(model: nn.Module) -> Any:
    """A copy of the modules and the config that shares every weight's memory.

    The parameters are objects of their own, so that freezing the copy does not freeze the original.
    """
    shared: dict[int, Any] = {id(buffer): buffer for buffer in model.buffers()}
    for parameter in model.parameters():
        shared[id(parameter)] = nn.Parameter(parameter.detach(), requires_grad=False)
    return copy.deepcopy(model, memo=shared)


def _labels(model: PreTrainedModel) -> tuple[str, ...]:
    config = model.config
    if "Classification" not in type(model).__name__:
        return ()
    if config.num_labels < 2:
        raise ModelError(
            "the model predicts a number, not classes; give a classifier with two or more labels"
        )
    if (config.problem_type or "single_label_classification") != "single_label_classification":
        raise ModelError(
            f"the model's outputs do not exclude each other ({config.problem_type}); "
            "give a classifier that chooses one label for each text"
        )
    return tuple(config.id2label.get(i, f"LABEL_{i}") for i in range(config.num_labels))


def _check_projections(model: nn.Module) -> None:
    """Refuse projections that are more, or less, than a matrix: heads could not be cut out of them."""
    for site in sites_of(model):
        for path in site.projections:
            projection = part(site.owner, path)
            if type(projection) not in (nn.Linear, Conv1D, Silent):
                raise ModelError(
                    f"{path} of {site.title} is a {type(projection).__name__}, not a plain matrix; "
                    "merge adapters into the weights, or give the model without quantisation"
                )


def _check_weights(model: nn.Module) -> None:
    for name, tensor in model.named_parameters():
        if not tensor.is_floating_point():
            raise ModelError(
                f"the weights {name} are quantised ({tensor.dtype}); give the model in float32, float16 or bfloat16"
            )
        # Both ends are NaN where any number is, and infinite where one is: one pass, nothing stored.
        if tensor.numel() and not torch.stack(tensor.aminmax()).isfinite().all():
            raise ModelError(
                f"the weights {name} hold NaN or infinity; the model's file is damaged or its training diverged"
            )


def _max_length(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None) -> int:
    stated = LONGEST if tokenizer is None else tokenizer.model_max_length
    return int(min(positions_of(model) or LONGEST, stated))
