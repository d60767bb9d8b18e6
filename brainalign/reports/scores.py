"""Scores by site, layer and subject, as results of kind predictivity keep them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LayerScores:
    """Predictivity of one result.

    ``scores`` (n_sites, n_layers) is the median over subjects, ``by_subject`` (n_subjects, n_sites, n_layers); both are
    Pearson r.
    """

    sites: tuple[str, ...]
    scores: NDArray[np.float64]
    by_subject: NDArray[np.float64]
    score: float | None
    mad: float | None
    best: tuple[str, int] | None

    @property
    def at_best(self) -> NDArray[np.float64]:
        """Each subject's score at the best layer (n_subjects,); empty if the best layer is not known."""
        if self.best is None or self.best[0] not in self.sites or not 0 <= self.best[1] < self.scores.shape[1]:
            return np.empty(0)
        return self.by_subject[:, self.sites.index(self.best[0]), self.best[1]]

    @property
    def best_words(self) -> str:
        """The best layer in words, counted from 0."""
        return "no layer" if self.best is None else f"{self.best[0]} output of layer {self.best[1]}"


def parse_scores(detail: Mapping[str, Any]) -> LayerScores | None:
    """Read a result's detail; None where it has no usable scores.

    A subject whose number of scores differs from the others' is left out.
    """
    sites = tuple(str(site) for site in detail.get("sites") or ())
    flat = np.array(detail.get("scores") or [], dtype=np.float64)
    if not sites or not flat.size or flat.size % len(sites):
        return None
    rows = [np.array(row, dtype=np.float64) for row in (detail.get("by_subject") or {}).values()]
    kept = [row.reshape(len(sites), -1) for row in rows if row.size == flat.size]
    best = detail.get("best_layer") or {}
    return LayerScores(
        sites=sites,
        scores=flat.reshape(len(sites), -1),
        by_subject=np.stack(kept) if kept else np.empty((0, len(sites), flat.size // len(sites))),
        score=detail.get("score"),
        mad=detail.get("mad"),
        best=(str(best["site"]), int(best["index"])) if {"site", "index"} <= set(best) else None,
    )
