"""Models from a folder or from the Hugging Face hub: safetensors only, no code unless asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from analysis.families import FAMILIES
from analysis.errors import ModelError, unknown
from analysis.text import Provenance

Loaded = tuple[PreTrainedModel, PreTrainedTokenizerBase, Provenance]


def load_classifier(spec: str, *, trust_remote_code: bool = False) -> Loaded:
    """Load a sequence classifier and its tokenizer.

    Args:
        spec: a folder in the hub's layout, or a hub id such as
            `distilbert-base-uncased-finetuned-sst-2-english`.
        trust_remote_code: run Python code that comes with the model.

    Raises:
        ModelError: not found, no network, no safetensors weights, an unsupported family or no
            classification head; the sentence says which and what would work.
    """
    folder = Path(spec).expanduser()
    local = folder.is_dir()
    if local:
        _check_folder(folder)
    elif folder.exists():
        raise ModelError(
            f"{spec} is a file; give the folder that holds config.json and model.safetensors"
        )
    place = str(folder) if local else spec
    options: dict[str, Any] = {"trust_remote_code": trust_remote_code, "local_files_only": local}
    try:
        config = AutoConfig.from_pretrained(place, **options)
        _check_config(config, spec)
        model, report = AutoModelForSequenceClassification.from_pretrained(
            place, config=config, use_safetensors=True, output_loading_info=True, **options
        )
        tokenizer = AutoTokenizer.from_pretrained(place, **options)
    except ModelError:
        raise
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ModelError(_reason(spec, local, error)) from error
    missing = sorted(report["missing_keys"])
    if missing:
        raise ModelError(
            f"{spec} has no weights for {missing[0]} (and {len(missing) - 1} more); "
            "give a model that was fine-tuned to classify texts, not a bare encoder"
        )
    return model, tokenizer, _provenance(spec, local)


def _check_folder(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} has no config.json; give the folder that save_pretrained wrote")
    if any(folder.glob("*.safetensors")):
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
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if local:
        return f"cannot load the model in {spec}: {first}"
    return (
        f"cannot load the model {spec!r}: it is not a folder here, and the hub could not give it ({first}). "
        "Check the name and the network, or give a folder, or 'demo'"
    )


def _provenance(spec: str, local: bool) -> Provenance:
    if local:
        return Provenance(str(Path(spec).expanduser().resolve()), "", "a folder on this machine")
    return Provenance(
        f"https://huggingface.co/{spec}",
        "",
        "from the Hugging Face hub; see its page for the licence",
    )
