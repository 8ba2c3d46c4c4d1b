"""Running a model's layers fast, and from the middle: what replay is made of."""
