"""Where every figure on speed in the README comes from: `python -m benchmarks`."""
