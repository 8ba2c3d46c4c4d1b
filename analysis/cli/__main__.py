"""`python -m analysis.cli` is `headcount`."""

from analysis.cli import main

if __name__ == "__main__":
    main()
