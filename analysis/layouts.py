"""What follows attention in one layer, for the families that the packed pass knows.

Families that are missing here work all the same, only slower (see `tapped`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PostNorm:
    """A layer that computes `y = norm1(x + W_O heads(x))`, then `norm2(y + W_2 act(W_1 y))`.

    The fields are paths of its modules, relative to the layer.
    """

    layers: str
    """The list of layers, relative to the base model."""
    query: str
    key: str
    value: str
    output: str
    attention_norm: str
    expand: str
    activation: str
    contract: str
    output_norm: str


_BERT = PostNorm(
    layers="encoder.layer",
    query="attention.self.query",
    key="attention.self.key",
    value="attention.self.value",
    output="attention.output.dense",
    attention_norm="attention.output.LayerNorm",
    expand="intermediate.dense",
    activation="intermediate.intermediate_act_fn",
    contract="output.dense",
    output_norm="output.LayerNorm",
)

POST_NORM: dict[str, PostNorm] = {
    "distilbert": PostNorm(
        layers="transformer.layer",
        query="attention.q_lin",
        key="attention.k_lin",
        value="attention.v_lin",
        output="attention.out_lin",
        attention_norm="sa_layer_norm",
        expand="ffn.lin1",
        activation="ffn.activation",
        contract="ffn.lin2",
        output_norm="output_layer_norm",
    ),
    "bert": _BERT,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
    "electra": _BERT,
}
