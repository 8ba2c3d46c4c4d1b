"""Handing a model over: its heads removed, repaired, judged against the masked one, timed, written and uploaded."""
