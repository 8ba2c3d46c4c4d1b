"""Write a smaller model so that others can load it, and prove that what was written answers alike."""

from __future__ import annotations

import inspect
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from analysis import __version__, portable, sizes
from analysis.anatomy import family_of, matrix, part, set_part, sites_of
from analysis.errors import ModelError, PlaceError, PlanError, first_line
from analysis.export.card import card
from analysis.export.onnx_export import check_packages, write_onnx
from analysis.export.parity import Parity, check_fresh
from analysis.mask import HeadMask
from analysis.models import Subject, structural_copy
from analysis.plan import Plan

CODE = "modeling_headcount.py"
"""Name of the modelling file in an exported folder."""
ROOM = 1.2
"""Free space that is asked for, as a multiple of what will be written."""


@dataclass(frozen=True)
class Written:
    """A folder that was written and checked."""

    folder: Path
    files: tuple[tuple[str, int], ...]
    """Name and bytes of each file."""
    parity: tuple[Parity, ...]
    """How the model answered when other programs loaded it from this folder."""

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(size for _, size in self.files)


def export(
    subject: Subject,
    smaller: Subject,
    plan: Plan,
    folder: str | Path,
    *,
    padded: bool = False,
    onnx: bool = False,
    numbers: Mapping[str, Any] | None = None,
) -> Written:
    """Write a model whose heads were removed into a new folder, and check it in a fresh process.

    Everything is written beside the folder and renamed at the end, so nothing half-written is left. The
    folder holds weights (safetensors), config, tokenizer, the plan, a model card and `parity.json`.

    Args:
        subject: the model before.
        smaller: the same without the heads that the plan switches off, repaired or not.
        plan: which heads went; it is written beside the model.
        folder: a folder that does not exist yet, or an empty one.
        padded: write the original shape with the removed heads' weights set to 0. It loads everywhere with
            plain `from_pretrained` and is no faster.
        onnx: write `model.onnx` as well, with any batch and length, and check it in onnxruntime.
        numbers: what was measured, for the model card.

    Raises:
        PlaceError: the folder cannot be written, is not empty, or the disk is full.
        PlanError: the plan switches every head off, or is of another model.
        ModelError: what was written does not answer as the smaller model does, or the shape does not allow it.
    """
    target = check_wish(subject, plan, folder, onnx=onnx)
    model = padded_model(subject, smaller, plan.mask) if padded else smaller.model
    with _beside(target, _bytes(model) * (2 if onnx else 1)) as place:
        _write_model(model, smaller, place, plan, padded)
        checked = [check_fresh(place, smaller, "padded" if padded else "removed")]
        if onnx:
            write_onnx(model, smaller, place / "model.onnx")
            checked.append(check_fresh(place, smaller, "onnx"))
        (place / "parity.json").write_text(
            json.dumps([asdict(each) for each in checked], indent=2) + "\n"
        )
        text = card(subject, smaller, plan, checked, numbers or {}, padded=padded, onnx=onnx)
        (place / "README.md").write_text(text, encoding="utf-8")
        files = tuple(
            (path.name, path.stat().st_size) for path in sorted(place.iterdir()) if path.is_file()
        )
    return Written(target, files, tuple(checked))


def check_wish(subject: Subject, plan: Plan, folder: str | Path, *, onnx: bool) -> Path:
    """Refuse what can be seen before anything is computed, and give the whole path of the folder.

    Raises:
        PlaceError, PlanError, first_line, ModelError: see `export`.
    """
    _check(subject, plan)
    if onnx:
        check_packages()
    return _target(folder)


def padded_model(subject: Subject, smaller: Subject, mask: HeadMask) -> Any:
    """The model in its original shape that answers as the smaller one: removed heads have weights of 0.

    Raises:
        ModelError: the repair added a bias that the original shape has no room for, or the model had lost
            heads before, so that its shape is not what its config says.
    """
    if subject.anatomy.fixed:
        return smaller.model  # gate only: nothing was cut
    if sizes.stated(subject.model.config) is not None:
        raise ModelError(
            "heads were removed from this model before; pad the original model instead"
        )
    model = structural_copy(subject.model)
    for whole, cut, row in zip(sites_of(model), sites_of(smaller.model), mask.rows, strict=True):
        kept = [head for head, on in enumerate(row) if on]
        off = [head for head, on in enumerate(row) if not on]
        for path in whole.projections[:-1]:
            gone = whole.rows(path, off)
            gone = gone[~torch.isin(gone, whole.rows(path, kept))]
            set_part(whole.owner, path, _zeroed(part(whole.owner, path), gone))
        weight = torch.zeros_like(matrix(whole.output))
        weight[:, whole.rows(whole.place.output, kept)] = matrix(cut.output)
        set_part(whole.owner, whole.place.output, _roomy(whole.output, weight, cut.output.bias))
        if path := whole.place.feed_forward:
            mended = part(cut.owner, path)
            set_part(
                whole.owner, path, _roomy(part(whole.owner, path), matrix(mended), mended.bias)
            )
    return model


def gated_model(subject: Subject, mask: HeadMask) -> Subject:
    """The model in its original shape with removed heads' columns set to 0, for families that are gate only."""
    model = structural_copy(subject.model)
    for site, row in zip(sites_of(model), mask.rows, strict=True):
        off = [head for head, on in enumerate(row) if not on]
        weight = matrix(site.output).clone()
        weight[:, site.rows(site.place.output, off)] = 0
        set_part(site.owner, site.place.output, _roomy(site.output, weight, site.output.bias))
    return replace(subject, model=model)


def _check(subject: Subject, plan: Plan) -> None:
    if plan.fingerprint != subject.fingerprint:
        raise PlanError(
            f"the plan {plan.name!r} was made for another model, not for {subject.name}"
        )
    if plan.mask.is_full:
        raise PlanError(
            "the plan switches no head off, so there is nothing to remove; name heads such as 0.3,2.7"
        )
    if not plan.mask.heads_on:
        raise PlanError(
            "the plan switches every head off: such a model cannot tell one word order from another; "
            "keep at least one head"
        )


def _write_model(model: Any, smaller: Subject, place: Path, plan: Plan, padded: bool) -> None:
    saved = structural_copy(model)
    saved.config.architectures = [type(model).__name__]
    saved.config._attn_implementation = "sdpa" if family_of(saved).interface else "eager"
    if not padded:
        saved.config.auto_map = {
            smaller.task.auto_class: f"{CODE.removesuffix('.py')}.{type(model).__name__}"
        }
        content = {
            "version": sizes.VERSION,
            "mask": plan.mask.encode(),
            "heads": list(smaller.anatomy.heads),
            "sizes": sizes.sizes_of(saved),
        }
        setattr(saved.config, sizes.KEY, content)
        (place / CODE).write_text(modelling_file(type(model).__name__), encoding="utf-8")
    # Foreign code gets none of transformers' renaming of weights, so they are written as the modules are called.
    saved.save_pretrained(place, save_original_format=padded)
    if smaller.tokenizer is not None:
        smaller.tokenizer.save_pretrained(place)
    (place / "plan.json").write_text(plan.to_json(), encoding="utf-8")


def modelling_file(base: str) -> str:
    """The Python file that lets transformers load the smaller model without Headcount."""
    return f'''{inspect.getsource(portable).rstrip()}


# Everything above is a copy of a part of Headcount {__version__}.
import transformers  # noqa: E402


class {base}(transformers.{base}):
    """The model of that name with heads removed: its projections have the sizes that the config states."""

    def __init__(self, config: Any, *given: Any, **named: Any) -> None:
        super().__init__(config, *given, **named)
        resize(self, config.{sizes.KEY}["sizes"])
'''


def _zeroed(old: Any, rows: Tensor) -> torch.nn.Module:
    weight = matrix(old).clone()
    weight[rows] = 0
    bias = old.bias
    if bias is not None:
        bias = bias.clone()
        bias[rows] = 0
    return portable.projection(old, weight, bias)


def _roomy(old: Any, weight: Tensor, bias: Tensor | None) -> torch.nn.Module:
    if bias is not None and old.bias is None:
        raise ModelError(
            "the repair added a bias for which the original shape has no room; export the model with its "
            "heads removed, or repair with none"
        )
    return portable.projection(old, weight.detach().contiguous(), bias)


def _target(folder: str | Path) -> Path:
    target = Path(folder).expanduser().absolute()
    try:
        if target.exists() and not target.is_dir():
            raise PlaceError(f"{target} is a file; name a folder that does not exist yet")
        if target.is_dir() and any(target.iterdir()):
            raise PlaceError(f"the folder {target} is not empty; name one that does not exist yet")
    except OSError as error:
        raise PlaceError(f"cannot look into {target}: {error.strerror}") from error
    return target


@contextmanager
def _beside(target: Path, needed: int) -> Iterator[Path]:
    """A hidden folder beside the target that becomes it at the end, or is gone."""
    place: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(target.parent).free
        if free < ROOM * needed:
            raise PlaceError(
                f"the disk of {target.parent} has {free / 1e6:,.0f} MB free and the model needs "
                f"{ROOM * needed / 1e6:,.0f} MB; nothing was written"
            )
        place = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
        yield place
        place.chmod(0o755)  # made, and in part written, for its owner only
        for path in place.iterdir():
            path.chmod(0o644)
        if target.is_dir():
            target.rmdir()
        os.replace(place, target)
        place = None
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise PlaceError(f"cannot write {target}: {reason}; nothing was left there") from error
    finally:
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)


def _bytes(model: Any) -> int:
    return sum(weight.numel() * weight.element_size() for weight in model.parameters())
