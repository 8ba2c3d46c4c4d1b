"""Models from a folder or from the Hugging Face hub: safetensors only, no code unless asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers
from huggingface_hub import HfApi
from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError
from transformers import AutoConfig, AutoTokenizer, PreTrainedModel

from analysis import sizes
from analysis.errors import ModelError, first_line, unknown
from analysis.families import FAMILIES
from analysis.portable import resize
from analysis.tasks import TASKS, task_of
from analysis.text import Provenance

PATIENCE = 5.0
"""Seconds to wait for the hub's first answer before it counts as out of reach."""

Loaded = tuple[PreTrainedModel, Any, Provenance]


def load_pretrained(spec: str, *, trust_remote_code: bool = False) -> Loaded:
    """Load a model for the task that it was trained for, and its tokenizer (None for a model of images).

    A folder that Headcount exported is loaded with its smaller layers; no code that came with it runs.

    Args:
        spec: a folder in the hub's layout, or a hub id such as
            `distilbert-base-uncased-finetuned-sst-2-english`.
        trust_remote_code: run Python code that comes with the model.

    Raises:
        ModelError: not found, no network, no safetensors weights, an unsupported family or no
            classification head; the sentence says which and what would work.
    """
    folder = _folder(spec)
    local = folder is not None
    place = str(folder or spec)
    licence = "" if local else _licence(spec)
    options: dict[str, Any] = {
        "trust_remote_code": trust_remote_code,
        # Out of reach, only an earlier download helps; transformers would try for half a minute.
        "local_files_only": local or licence is None,
    }
    try:
        config = AutoConfig.from_pretrained(place, **options)
        _check_config(config, spec)
        loader = _loader(config)
        if issubclass(loader, PreTrainedModel):  # ours, around code of transformers only
            config.auto_map = {}
            options["trust_remote_code"] = False
        model, report = loader.from_pretrained(
            place,
            config=config,
            use_safetensors=True,
            output_loading_info=True,
            # Where peft is installed, transformers looks for an adapter and forgets to stay offline.
            adapter_kwargs={"local_files_only": options["local_files_only"]},
            **options,
        )
        tokenizer = None
        if model.main_input_name == "input_ids":
            tokenizer = AutoTokenizer.from_pretrained(place, **options)
    except ModelError:
        raise
    except Exception as error:
        # Files of strangers, read by three libraries: anything can be raised.
        raise ModelError(_reason(spec, local, error)) from error
    missing = sorted(report["missing_keys"])
    if missing:
        raise ModelError(
            f"{spec} has no weights for {missing[0]} (and {len(missing) - 1} more); "
            "give a model that was fine-tuned to classify texts, not a bare encoder"
        )
    if tokenizer is not None and len(tokenizer) <= len(tokenizer.all_special_tokens):
        # transformers makes an empty tokenizer where the files of one are missing.
        raise ModelError(
            f"{spec} has no tokenizer that knows words; save the tokenizer into the same folder with "
            "save_pretrained (tokenizer.json)"
        )
    return model, tokenizer, _provenance(spec, local, licence)


def _licence(spec: str) -> str | None:
    """The licence that the hub names, "" when it names none; None when the hub is out of reach."""
    try:
        card = HfApi().model_info(spec, timeout=PATIENCE).card_data
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"there is no folder {_short(spec, 100)!r} here, and no model of that name on the hub that you "
            "may read; check the name, or give a folder, or 'demo'"
        ) from error
    except HFValidationError as error:
        raise ModelError(
            f"{_short(spec, 100)!r} is no folder here and no id of a model; give a folder, an id such as "
            "distilbert-base-uncased-finetuned-sst-2-english, or 'demo'"
        ) from error
    except Exception:  # no network, in any of its forms: the caller looks for an earlier download
        return None
    return str(getattr(card, "license", None) or "")


def _loader(config: Any) -> Any:
    """The class that loads a model: transformers' for its task, or one of ours where heads were removed."""
    names = getattr(config, "architectures", None) or [""]
    content = sizes.stated(config)
    if content is None:
        task = task_of(names[0]) if names[0] else TASKS["sequence-classification"]
        return getattr(transformers, task.auto_class)
    base = getattr(transformers, str(names[0]), None)
    if not (isinstance(base, type) and issubclass(base, PreTrainedModel)):
        raise ModelError(f"the config names {names[0]!r}, which transformers does not have")
    return smaller_class(base, content["sizes"])


def smaller_class(base: type, stated: Any) -> type:
    """A model class whose projections have the stated sizes, for loading weights into."""

    def make(self: Any, config: Any, *given: Any, **named: Any) -> None:
        base.__init__(self, config, *given, **named)  # type: ignore[misc]
        sizes.check(self, stated)
        resize(self, stated)

    return type(base.__name__, (base,), {"__init__": make, "__module__": base.__module__})


def _folder(spec: str) -> Path | None:
    """The folder that a spec names, looked into; None when it names none here."""
    try:
        folder = Path(spec).expanduser()
        if folder.is_dir():
            _check_folder(folder)
            return folder
        if folder.exists():
            raise ModelError(
                f"{spec} is a file; give the folder that holds config.json and model.safetensors"
            )
    except (OSError, ValueError, RuntimeError):  # no path at all: too long, or of nobody's home
        pass
    return None


def _check_folder(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} has no config.json; give the folder that save_pretrained wrote")
    if any(folder.glob("model*.safetensors")):
        return
    if any(folder.glob("pytorch_model*.bin")) or any(folder.glob("*.pt")):
        raise ModelError(
            f"{folder} holds pickled weights only, which can run code when read; "
            "save the model again with save_pretrained, which writes model.safetensors"
        )
    raise ModelError(f"{folder} holds no weights; a file model.safetensors is needed")


def _check_config(config: Any, spec: str) -> None:
    if config.model_type not in FAMILIES:
        raise ModelError(f"{spec}: {unknown('model family', config.model_type, FAMILIES)}")
    if getattr(config, "quantization_config", None):
        raise ModelError(f"{spec} is quantised; give the model in float32, float16 or bfloat16")


def _reason(spec: str, local: bool, error: Exception) -> str:
    first = first_line(error)
    spec = _short(spec, 100)
    if local:
        return f"cannot load the model in {spec}: {first}"
    return (
        f"cannot load the model {spec!r}: it is not a folder here, and the hub could not give it ({first}). "
        "Check the name and the network, or give a folder, or 'demo'"
    )


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _provenance(spec: str, local: bool, licence: str | None) -> Provenance:
    if local:
        return Provenance(str(Path(spec).expanduser().resolve()), "", "a folder on this machine")
    return Provenance(
        f"https://huggingface.co/{spec}",
        licence or "see the model's page",
        "from the Hugging Face hub",
    )
