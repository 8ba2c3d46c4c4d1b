"""One self-contained HTML page about one plan: what goes, what it costs and buys, and how that was measured."""
