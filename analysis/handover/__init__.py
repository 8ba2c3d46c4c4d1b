"""What goes with a model that is handed over: its card, its ONNX form, and the proof that it answers the same."""
