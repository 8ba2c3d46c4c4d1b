"""The table of model families: where each keeps its heads, and what must change when some are removed.

Adding a family is adding a row to `FAMILIES`; only DeBERTa, which computes attention by itself, has code elsewhere (the
hooks of `attention`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Layout = Literal["separate", "blocks", "interleaved"]
"""How query, key and value share projections: three projections; one, whose rows are all queries, then all
keys, then all values; one, whose rows are head after head, each with its query, key and value."""


@dataclass(frozen=True)
class Place:
    """One kind of attention in a stack of layers; paths are relative to a layer unless said otherwise."""

    layers: str
    """Path from the base model to the layers; `*` stands for every module of a list."""
    attention: str
    """The module that calls the attention function, or computes attention itself."""
    query: tuple[str, ...]
    """Projections with rows of query heads; all three of them, or one, where they share one."""
    output: str
    """The output projection, whose input is all heads side by side."""
    key: tuple[str, ...] = ()
    """Projections with rows of key/value heads."""
    layout: Layout = "separate"
    size: str = "head_dim"
    """Attribute of the attention module that holds the head size."""
    counts: tuple[str, ...] = ()
    """Attributes of the attention module that hold its number of heads."""
    widths: tuple[str, ...] = ()
    """Attributes of the attention module that hold heads x head size."""
    ratio: str = ""
    """Attribute of the attention module that holds query heads for each key/value head."""
    adds_residual: bool = False
    """The attention module adds the residual stream itself, so it must run even without heads."""
    title: str = "layer {}"
    """What to call the layer with a number."""
    stream: str = ""
    """The norm that reads the residual stream after this attention was added to it; without one the stream
    is read at the layer's end."""
    feed_forward: str = ""
    """The last projection of the layer's feed-forward part."""
    end: str = ""
    """The norm that reads the residual stream after the feed-forward part; without one the layer's end."""
    expand: str = ""
    """The first projection of the feed-forward part, given where a layer is no more than `y = stream(x + W_O
    heads(x))`, then `end(y + feed_forward(activation(expand(y))))`: such layers have a packed pass."""
    activation: str = ""
    """The function between the two, where `expand` is given."""


@dataclass(frozen=True)
class Family:
    """One family of models."""

    model_type: str
    """`config.model_type` of transformers."""
    places: tuple[Place, ...]
    """Kinds of attention, in the order in which a layer runs them."""
    skips_positions: bool = False
    """Positions are counted from the padding token's number + 1, so that many are never used."""
    interface: bool = True
    """Attention goes through the function registered with transformers; else it is met by hooks."""
    fixed: str = ""
    """Why heads cannot be removed, only switched off; empty where they can."""
    shape: tuple[str, ...] = ("num_hidden_layers", "num_attention_heads")
    """Entries of a saved configuration that hold the number of layers and of heads in each; empty where
    these do not tell all heads."""


_BERT = Place(
    layers="encoder.layer",
    attention="attention.self",
    query=("attention.self.query",),
    key=("attention.self.key", "attention.self.value"),
    output="attention.output.dense",
    size="attention_head_size",
    counts=("num_attention_heads",),
    widths=("all_head_size",),
    stream="attention.output.LayerNorm",
    feed_forward="output.dense",
    end="output.LayerNorm",
    expand="intermediate.dense",
    activation="intermediate.intermediate_act_fn",
)
_DISTILBERT = Place(
    layers="transformer.layer",
    attention="attention",
    query=("attention.q_lin",),
    key=("attention.k_lin", "attention.v_lin"),
    output="attention.out_lin",
    size="attention_head_size",
    counts=("n_heads",),
    stream="sa_layer_norm",
    feed_forward="ffn.lin2",
    end="output_layer_norm",
    expand="ffn.lin1",
    activation="ffn.activation",
)
_ALBERT = Place(
    layers="encoder.albert_layer_groups.*.albert_layers",
    attention="attention",
    adds_residual=True,
    query=("attention.query",),
    key=("attention.key", "attention.value"),
    output="attention.dense",
    size="attention_head_size",
    counts=("num_attention_heads",),
    widths=("all_head_size",),
    stream="attention.LayerNorm",
    feed_forward="ffn_output",
    end="full_layer_layer_norm",
)
_DEBERTA = replace(
    _BERT,
    expand="",
    activation="",
    query=("attention.self.query_proj",),
    # The projections of relative positions exist unless they are shared with query and key.
    key=(
        "attention.self.key_proj",
        "attention.self.value_proj",
        "attention.self.pos_key_proj",
        "attention.self.pos_query_proj",
    ),
)
_LLAMA = Place(
    layers="layers",
    attention="self_attn",
    query=("self_attn.q_proj",),
    key=("self_attn.k_proj", "self_attn.v_proj"),
    output="self_attn.o_proj",
    ratio="num_key_value_groups",
    stream="post_attention_layernorm",
    feed_forward="mlp.down_proj",
)
_GPT2 = Place(
    layers="h",
    attention="attn",
    query=("attn.c_attn",),
    output="attn.c_proj",
    layout="blocks",
    counts=("num_heads",),
    widths=("split_size",),
    stream="ln_2",
    feed_forward="mlp.c_proj",
)
_GPT_NEOX = Place(
    layers="layers",
    attention="attention",
    query=("attention.query_key_value",),
    output="attention.dense",
    layout="interleaved",
    size="head_size",
)
_MODERNBERT = Place(
    layers="layers",
    attention="attn",
    query=("attn.Wqkv",),
    output="attn.Wo",
    layout="blocks",
    stream="mlp_norm",
    feed_forward="mlp.Wo",
)
_VIT = Place(
    layers="layers",
    attention="attention",
    query=("attention.q_proj",),
    key=("attention.k_proj", "attention.v_proj"),
    output="attention.o_proj",
    counts=("num_attention_heads",),
    stream="layernorm_after",
)
_BART = Place(
    layers="encoder.layers",
    attention="self_attn",
    query=("self_attn.q_proj",),
    key=("self_attn.k_proj", "self_attn.v_proj"),
    output="self_attn.out_proj",
    counts=("num_heads",),
    title="encoder {}",
    stream="self_attn_layer_norm",
    feed_forward="fc2",
    end="final_layer_norm",
)
_BART_CROSS = replace(
    _BART,
    layers="decoder.layers",
    attention="encoder_attn",
    query=("encoder_attn.q_proj",),
    key=("encoder_attn.k_proj", "encoder_attn.v_proj"),
    output="encoder_attn.out_proj",
    title="decoder {}, cross",
    stream="encoder_attn_layer_norm",
)
_OPT = replace(_BART, layers="decoder.layers", title="layer {}", stream="", feed_forward="", end="")
_T5 = Place(
    layers="encoder.block",
    attention="layer.0.SelfAttention",
    query=("layer.0.SelfAttention.q",),
    key=("layer.0.SelfAttention.k", "layer.0.SelfAttention.v"),
    output="layer.0.SelfAttention.o",
    size="key_value_proj_dim",
    title="encoder {}",
)
_T5_CROSS = replace(
    _T5,
    layers="decoder.block",
    attention="layer.1.EncDecAttention",
    query=("layer.1.EncDecAttention.q",),
    key=("layer.1.EncDecAttention.k", "layer.1.EncDecAttention.v"),
    output="layer.1.EncDecAttention.o",
    title="decoder {}, cross",
)

FAMILIES: dict[str, Family] = {
    family.model_type: family
    for family in (
        Family("distilbert", (_DISTILBERT,), shape=("n_layers", "n_heads")),
        Family("bert", (_BERT,)),
        Family("roberta", (_BERT,), skips_positions=True),
        Family("xlm-roberta", (_BERT,), skips_positions=True),
        Family("electra", (_BERT,)),
        Family("albert", (_ALBERT,), shape=()),
        Family("deberta-v2", (_DEBERTA,), interface=False),
        Family("modernbert", (_MODERNBERT,)),
        Family("vit", (_VIT,)),
        Family("gpt2", (_GPT2,), shape=("n_layer", "n_head")),
        Family("opt", (_OPT,)),
        Family("gpt_neox", (_GPT_NEOX,)),
        Family("llama", (_LLAMA,)),
        Family("mistral", (_LLAMA,)),
        Family("qwen2", (_LLAMA,)),
        Family("qwen3", (_LLAMA,)),
        Family("gemma", (_LLAMA,)),
        Family(
            "bart",
            (
                _BART,
                replace(_BART, layers="decoder.layers", title="decoder {}, self"),
                _BART_CROSS,
            ),
            shape=(),
        ),
        Family(
            "t5",
            (_T5, replace(_T5, layers="decoder.block", title="decoder {}, self"), _T5_CROSS),
            shape=(),
            fixed="all layers share the table of relative positions that the first layer makes for every head",
        ),
    )
}
