"""Where each family of models keeps its heads. The only file that names families.

Adding a family is adding a row to `FAMILIES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from torch import nn

from analysis.errors import ModelError, unknown


@dataclass(frozen=True)
class Family:
    """Names of the parts of one model family; paths are relative to a layer unless said otherwise."""

    model_type: str
    """`config.model_type` of transformers."""
    layers: str
    """Path from the base model to the list of layers."""
    attention: str
    """The module that calls the attention function."""
    query: str
    key: str
    value: str
    output: str
    """The output projection, whose input is all heads side by side."""
    counts: tuple[str, ...]
    """Attributes of the attention module that hold its number of heads."""
    widths: tuple[str, ...] = ()
    """Attributes of the attention module that hold heads x head size."""
    skips_positions: bool = False
    """Positions are counted from the padding token's number + 1, so that many are never used."""


_BERT: dict[str, Any] = {
    "layers": "encoder.layer",
    "attention": "attention.self",
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "output": "attention.output.dense",
    "counts": ("num_attention_heads",),
    "widths": ("all_head_size",),
}

FAMILIES: dict[str, Family] = {
    family.model_type: family
    for family in (
        Family(
            model_type="distilbert",
            layers="transformer.layer",
            attention="attention",
            query="attention.q_lin",
            key="attention.k_lin",
            value="attention.v_lin",
            output="attention.out_lin",
            counts=("n_heads",),
        ),
        Family(model_type="bert", **_BERT),
        Family(model_type="roberta", skips_positions=True, **_BERT),
        Family(model_type="xlm-roberta", skips_positions=True, **_BERT),
        Family(model_type="electra", **_BERT),
    )
}


@dataclass(frozen=True)
class Anatomy:
    """How many heads a model has, and how large they are."""

    family: str
    """`model_type` of the family."""
    heads: tuple[int, ...]
    """Heads of each layer; layers differ once heads have been removed."""
    head_size: int
    """Width of one head's output, in numbers a token."""
    hidden_size: int
    """Width of the residual stream, in numbers a token."""

    @property
    def layers(self) -> int:
        """Number of layers."""
        return len(self.heads)

    @property
    def heads_total(self) -> int:
        """Number of heads in all layers."""
        return sum(self.heads)


def family_of(model: nn.Module) -> Family:
    """The family of a transformers model.

    Raises:
        ModelError: the family is not supported.
    """
    model_type = str(getattr(getattr(model, "config", None), "model_type", type(model).__name__))
    if model_type not in FAMILIES:
        raise ModelError(unknown("model family", model_type, FAMILIES))
    return FAMILIES[model_type]


def layers_of(model: nn.Module) -> list[nn.Module]:
    """The model's layers, from the input upwards."""
    base: Any = getattr(model, "base_model", model)
    return list(part(base, family_of(model).layers))


def attentions_of(model: nn.Module) -> list[Any]:
    """The modules that call the attention function, one a layer."""
    path = family_of(model).attention
    return [part(layer, path) for layer in layers_of(model)]


def outputs_of(model: nn.Module) -> list[nn.Linear]:
    """The output projections, one a layer; columns `h * head_size : (h + 1) * head_size` belong to head `h`."""
    path = family_of(model).output
    return [part(layer, path) for layer in layers_of(model)]


def positions_of(model: nn.Module) -> int | None:
    """Tokens that the model has positions for, or None when its config states no limit."""
    config: Any = model.config
    positions = getattr(config, "max_position_embeddings", None)
    if positions and family_of(model).skips_positions:
        positions -= (config.pad_token_id or 0) + 1
    return positions or None


def dissect(model: nn.Module) -> Anatomy:
    """Read a model's anatomy off its modules.

    Raises:
        ModelError: the family is not supported.
    """
    family = family_of(model)
    head_size = int(attentions_of(model)[0].attention_head_size)
    outputs = outputs_of(model)
    return Anatomy(
        family=family.model_type,
        heads=tuple(output.in_features // head_size for output in outputs),
        head_size=head_size,
        hidden_size=outputs[0].out_features,
    )


def part(module: Any, path: str) -> Any:
    """The submodule at a dotted path."""
    return attrgetter(path)(module)
