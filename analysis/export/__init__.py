"""Writing a model whose heads are removed: its folder, card and ONNX form, and the proof that they answer the same."""
