"""The built-in model and data: a real DistilBERT and real film reviews, read from two packages."""

LAYERS, HEADS = 6, 12
"""The built-in model's layers, and heads of each. Nothing is imported here: a page wants to know them at once."""
