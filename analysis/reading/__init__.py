"""How labelled text is read from files, folders and the hub, and made to fit a model."""
