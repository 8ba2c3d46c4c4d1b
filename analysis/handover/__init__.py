"""What goes with a model that is handed over: its card, its loading code, and the proof that it answers the same."""
