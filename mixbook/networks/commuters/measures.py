"""How good is a predicted link, flow or network?"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.sparse.csgraph import connected_components
from scipy.stats import ks_2samp, spearmanr
from sklearn.metrics import f1_score, precision_score, r2_score, recall_score, roc_auc_score

from mixbook.networks.commuters._checks import as_array, check_square

__all__ = ["cpc", "flow_scores", "link_scores", "network_comparison", "threshold_rule"]


def cpc(F: Any, G: Any) -> float:
    """Common part of commuters: 1 for equal flows, 0 where no flow is shared.

    .. math:: \\mathrm{CPC} = \\frac{2 \\sum \\min(F, G)}{\\sum F + \\sum G}

    Parameters
    ----------
    F, G : array-like of one shape
        Flows >= 0; leave out those who stay.

    Raises
    ------
    ValueError
        If shapes differ, an entry is negative or not finite, or all flows are 0.
    """
    F, G = (as_array(np.ravel(x), name, ndim=1, low=0.0) for x, name in ((F, "F"), (G, "G")))
    if F.shape != G.shape:
        raise ValueError(f"F and G must have the same number of entries, got {F.size} and {G.size}")
    if F.sum() + G.sum() == 0:
        raise ValueError("F and G must hold at least one flow > 0")
    # Eq. (13)
    return float(2 * np.minimum(F, G).sum() / (F.sum() + G.sum()))


def _two_vectors(a: Any, b: Any, name_a: str, name_b: str) -> tuple[np.ndarray, np.ndarray]:
    a, b = as_array(a, name_a, ndim=1), as_array(b, name_b, ndim=1)
    if a.shape != b.shape:
        raise ValueError(
            f"{name_a} and {name_b} must have one length, got {len(a)} and {len(b)} entries"
        )
    return a, b


def flow_scores(observed: Any, predicted: Any) -> dict[str, float]:
    """Judge flows on links.

    Parameters
    ----------
    observed, predicted : array-like of shape (m,)
        log10 of the flows, m >= 2.

    Returns
    -------
    dict
        "r2_log": R² of log10 F; "r2_raw": R² of F; "error": mean absolute error of log10 F;
        "cpc": common part of commuters; "spearman": rank correlation.
    """
    y, g = _two_vectors(observed, predicted, "observed", "predicted")
    F, G = 10.0**y, 10.0**g
    return {
        "r2_log": float(r2_score(y, g)),
        "r2_raw": float(r2_score(F, G)),
        "error": float(np.abs(y - g).mean()),
        "cpc": cpc(F, G),
        "spearman": float(spearmanr(y, g).statistic),
    }


def _check_labels(y: np.ndarray) -> np.ndarray:
    if not np.isin(y, (0, 1)).all():
        raise ValueError("y must hold only 0 and 1")
    return y.astype(np.int64)


def link_scores(y: Any, probability: Any, threshold: float = 0.5) -> dict[str, float]:
    """Judge links: accuracy, precision, recall, F1 and area under the ROC curve.

    Parameters
    ----------
    y : array-like of shape (m,)
        0 or 1, both present.
    probability : array-like of shape (m,)
        Scores; a link is predicted where they are >= ``threshold``.
    """
    y, p = _two_vectors(y, probability, "y", "probability")
    y = _check_labels(y)
    if len(np.unique(y)) < 2:
        raise ValueError("y must hold both 0 and 1")
    guess = (p >= threshold).astype(np.int64)
    return {
        "accuracy": float((guess == y).mean()),
        "precision": float(precision_score(y, guess, zero_division=0)),
        "recall": float(recall_score(y, guess)),
        "f1": float(f1_score(y, guess)),
        "auc": float(roc_auc_score(y, p)),
    }


def threshold_rule(score: Any, y: Any) -> float:
    """The threshold t for which "link where score >= t" is right most often.

    All thresholds are tried in O(m log m); t is halfway between two neighbouring scores, or
    infinite where it is best to predict only links (-inf) or none (inf). Of equally good ones the
    lowest is taken.

    Parameters
    ----------
    score : array-like of shape (m,)
    y : array-like of shape (m,)
        0 or 1.
    """
    score, y = _two_vectors(score, y, "score", "y")
    values, which = np.unique(score, return_inverse=True)
    sign = 2.0 * _check_labels(y) - 1
    # hits above threshold k, counted from the lowest score, up to a constant
    # Eq. (14)
    gain = np.append(np.cumsum(np.bincount(which, sign)[::-1])[::-1], 0.0)
    k = int(gain.argmax())
    if k in (0, len(values)):
        return -np.inf if k == 0 else np.inf
    return float((values[k - 1] + values[k]) / 2)


def network_comparison(F: Any, G: Any) -> dict[str, dict[str, float]]:
    """Compare two directed networks on the same nodes, link by link and as a whole.

    Parameters
    ----------
    F, G : array-like of shape (n, n)
        A link is an entry > 0 off the diagonal: observed, and predicted.

    Returns
    -------
    dict
        "observed" and "predicted" hold: links, density, reciprocity (share of links whose
        reverse is a link), clustering (mean over nodes, directions ignored), largest component
        (share of nodes, directions ignored). "overlap" holds: agreement (share of pairs on which
        both agree), jaccard (common links over all), and Kolmogorov-Smirnov distances of the in-
        and out-degree distributions.
    """
    F = check_square(F, "F")
    G = check_square(G, "G", len(F))
    if len(F) < 2:
        raise ValueError(f"F must have at least 2 nodes, got {len(F)}")
    A, B = ((x > 0) & ~np.eye(len(x), dtype=bool) for x in (F, G))
    return {"observed": _describe(A), "predicted": _describe(B), "overlap": _overlap(A, B)}


def _describe(A: np.ndarray) -> dict[str, float]:
    n, links = len(A), int(A.sum())
    component = np.bincount(connected_components(A, directed=False)[1])
    return {
        "links": links,
        "density": links / (n * (n - 1)),
        "reciprocity": float((A & A.T).sum() / max(links, 1)),
        "clustering": float(_clustering(A | A.T).mean()),
        "largest component": float(component.max() / n),
    }


def _clustering(A: np.ndarray) -> Float[np.ndarray, " n"]:
    """Share of a node's pairs of neighbours that are joined; 0 below two neighbours."""
    a = A.astype(np.float64)
    degree = a.sum(axis=1)
    # Eq. (15)
    twice_triangles = ((a @ a) * a).sum(axis=1)
    return twice_triangles / np.maximum(degree * (degree - 1), 1)


def _overlap(A: np.ndarray, B: np.ndarray) -> dict[str, float]:
    off = ~np.eye(len(A), dtype=bool)
    return {
        "agreement": float((A == B)[off].mean()),
        "jaccard": float((A & B).sum() / max((A | B).sum(), 1)),
        "ks out-degree": _ks(A.sum(axis=1), B.sum(axis=1)),
        "ks in-degree": _ks(A.sum(axis=0), B.sum(axis=0)),
    }


def _ks(a: np.ndarray, b: np.ndarray) -> float:
    """Largest distance of two cumulative distributions."""
    return float(ks_2samp(a, b, method="asymp").statistic)
