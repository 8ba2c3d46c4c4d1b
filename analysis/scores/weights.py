"""Scores that look at no text: the size of the weights, and chance."""

from __future__ import annotations

import numpy as np

from analysis.anatomy import matrix, part, sites_of
from analysis.models import Subject
from analysis.scores.method import Evidence


def magnitude(subject: Subject, evidence: Evidence) -> list[float]:
    """`M_h = |W_Q,h|_F + |W_K,h|_F + |W_V,h|_F + |W_O,h|_F`: heads with large weights are kept.

    `|W|_F = sqrt(sum of the squared entries)` is the Frobenius norm, `W_Q,h`, `W_K,h`, `W_V,h` are the rows of the
    projections that make the head's queries, keys and values, and `W_O,h` the columns of the output projection that
    read it; biases do not count. DeBERTa's projections of positions, where they are its own, add their slices. Where
    heads share keys and values, each counts the shared rows. The idea of Han et al. 2015 (small weights matter least),
    taken over structures as Li et al. 2017 take the norm of a filter.
    """
    scores: list[float] = []
    for site in sites_of(subject.model):
        weights = {path: matrix(part(site.owner, path)).detach() for path in site.projections}
        output, fused = site.place.output, 1 if site.place.layout == "separate" else 3
        weights[output] = weights[output].T
        for head in range(site.heads):
            # A fused projection holds a query's, a key's and a value's rows, which count one by one.
            slices = [
                piece
                for path, weight in weights.items()
                for piece in weight[site.rows(path, [head])].chunk(fused if path != output else 1)
            ]
            scores.append(sum(float(rows.norm()) for rows in slices))
    return scores


def random(subject: Subject, evidence: Evidence) -> list[float]:
    """Numbers drawn evenly from 0 to 1 with the seed."""
    return np.random.default_rng(evidence.seed).random(subject.anatomy.heads_total).tolist()
