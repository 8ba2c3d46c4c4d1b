"""The built-in model and data: a real DistilBERT and real film reviews, read from two packages."""
