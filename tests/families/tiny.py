"""A tiny random model of every family, and padded batches for it."""

from __future__ import annotations

import torch
import transformers
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

VOCABULARY = 40
_COMMON = dict(
    vocab_size=VOCABULARY,
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=48,
    max_position_embeddings=64,
    pad_token_id=0,
    bos_token_id=1,
    eos_token_id=2,
    num_labels=3,
)
_GROUPED = {**_COMMON, "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 8}
_DISTILBERT = dict(
    vocab_size=VOCABULARY,
    dim=32,
    n_layers=3,
    n_heads=4,
    hidden_dim=48,
    max_position_embeddings=64,
    num_labels=3,
)
_BART = dict(
    vocab_size=VOCABULARY,
    d_model=32,
    encoder_layers=2,
    decoder_layers=2,
    encoder_attention_heads=4,
    decoder_attention_heads=4,
    encoder_ffn_dim=48,
    decoder_ffn_dim=48,
    max_position_embeddings=64,
    pad_token_id=0,
    bos_token_id=1,
    eos_token_id=2,
    decoder_start_token_id=2,
    forced_eos_token_id=2,
    num_labels=3,
)
CLASSIFIER = "ForSequenceClassification"
MODELS: dict[str, tuple[str, str, dict]] = {
    # name: (model_type, class, config)
    "distilbert": ("distilbert", "DistilBert" + CLASSIFIER, _DISTILBERT),
    "bert": ("bert", "Bert" + CLASSIFIER, _COMMON),
    "roberta": ("roberta", "Roberta" + CLASSIFIER, _COMMON),
    "xlm-roberta": ("xlm-roberta", "XLMRoberta" + CLASSIFIER, _COMMON),
    "electra": ("electra", "Electra" + CLASSIFIER, {**_COMMON, "embedding_size": 16}),
    "albert": ("albert", "Albert" + CLASSIFIER, {**_COMMON, "embedding_size": 16}),
    "albert-groups": (
        "albert",
        "AlbertForTokenClassification",
        {**_COMMON, "embedding_size": 16, "num_hidden_layers": 4, "num_hidden_groups": 2},
    ),
    "deberta-v2": (
        "deberta-v2",
        "DebertaV2" + CLASSIFIER,
        {
            **_COMMON,
            "relative_attention": True,
            "pos_att_type": ["c2p", "p2c"],
            "position_buckets": 8,
        },
    ),
    "deberta-v3": (
        "deberta-v2",
        "DebertaV2ForTokenClassification",
        {
            **_COMMON,
            "relative_attention": True,
            "pos_att_type": ["c2p", "p2c"],
            "position_buckets": 8,
            "share_att_key": True,
            "norm_rel_ebd": "layer_norm",
        },
    ),
    "modernbert": (
        "modernbert",
        "ModernBert" + CLASSIFIER,
        {**_COMMON, "local_attention": 8, "cls_token_id": 1, "sep_token_id": 2},
    ),
    "vit": (
        "vit",
        "ViTForImageClassification",
        dict(
            hidden_size=32,
            num_hidden_layers=3,
            num_attention_heads=4,
            intermediate_size=48,
            image_size=16,
            patch_size=4,
            num_labels=3,
        ),
    ),
    "gpt2": (
        "gpt2",
        "GPT2LMHeadModel",
        dict(vocab_size=VOCABULARY, n_embd=32, n_layer=3, n_head=4, n_positions=64, eos_token_id=2),
    ),
    "gpt2-classifier": (
        "gpt2",
        "GPT2" + CLASSIFIER,
        dict(
            vocab_size=VOCABULARY,
            n_embd=32,
            n_layer=3,
            n_head=4,
            n_positions=64,
            pad_token_id=0,
            eos_token_id=2,
            num_labels=3,
        ),
    ),
    "opt": (
        "opt",
        "OPTForCausalLM",
        {**_COMMON, "ffn_dim": 48, "word_embed_proj_dim": 32},
    ),
    "gpt_neox": ("gpt_neox", "GPTNeoXForCausalLM", _COMMON),
    "llama": ("llama", "LlamaForCausalLM", _GROUPED),
    "llama-plain": (
        "llama",
        "Llama" + CLASSIFIER,
        {**_GROUPED, "num_key_value_heads": 8, "attention_bias": True},
    ),
    "mistral": ("mistral", "MistralForCausalLM", {**_GROUPED, "sliding_window": 6}),
    "qwen2": ("qwen2", "Qwen2ForCausalLM", _GROUPED),
    "qwen3": ("qwen3", "Qwen3ForCausalLM", _GROUPED),
    "gemma": ("gemma", "GemmaForCausalLM", {**_GROUPED, "num_key_value_heads": 1}),
    "bart": ("bart", "Bart" + CLASSIFIER, _BART),
    "bert-base": ("bert", "BertModel", _COMMON),
    "llama-base": ("llama", "LlamaModel", _GROUPED),
    "roberta-tokens": ("roberta", "RobertaForTokenClassification", _COMMON),
    "t5": (
        "t5",
        "T5" + CLASSIFIER,
        dict(
            vocab_size=VOCABULARY,
            d_model=32,
            d_kv=8,
            d_ff=48,
            num_layers=2,
            num_heads=4,
            pad_token_id=0,
            eos_token_id=2,
            decoder_start_token_id=0,
            num_labels=3,
        ),
    ),
}
REMOVABLE = tuple(name for name in MODELS if name != "t5")


def build(name: str, seed: int = 0, **changes):
    """A model with weights large enough that each head matters."""
    model_type, kind, config = MODELS[name]
    torch.manual_seed(seed)
    model = getattr(transformers, kind)(CONFIG_MAPPING[model_type](**{**config, **changes}))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(8)
            elif parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))  # biases that are not all zero
    return model.eval()


def padded(model, seed: int = 0, lengths=(9, 5, 2)) -> dict[str, torch.Tensor]:
    """Rows of different lengths, padded; or images."""
    generator = torch.Generator().manual_seed(seed)
    if model.main_input_name == "pixel_values":
        return {"pixel_values": torch.randn(3, 3, 16, 16, generator=generator)}
    width = max(lengths)
    ids = torch.zeros(len(lengths), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(3, VOCABULARY, (length,), generator=generator)
        ids[row, length - 1] = 2
        mask[row, :length] = 1
    return {"input_ids": ids, "attention_mask": mask}
