"""Does a denser or a stronger configuration close more often? One-sided tests across networks."""

from __future__ import annotations

from collections.abc import Mapping

from scipy import stats

from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.networks.simplicial_closure.closure import KEYS_3, KEYS_4, Counts, Key

__all__ = ["COMPARISONS", "closure_tests", "compare_proportions"]

Pairs = tuple[tuple[Key, Key], ...]
MIN_OPEN = 20  # configurations seen this often or less are not tested
MAX_FISHER = 5  # up to this many closures on both sides, use Fisher's exact test


def _raised(keys: tuple[Key, ...], value: int) -> Pairs:
    """All pairs of keys in which one entry ``value`` becomes ``value + 1``."""
    pairs = []
    for key in keys:
        if value in key:
            where = key.index(value)
            more = tuple(sorted((*key[:where], value + 1, *key[where + 1 :])))
            pairs.append((key, more))
    return tuple(pairs)


def _one_more_edge(keys: tuple[Key, ...]) -> Pairs:
    """4-node pairs with 3 and 4, 4 and 5, 5 and 6 edges; a new edge opens new triangles (0)."""
    pairs = []
    for key in keys:
        ties = [a for a in key if a >= 0]
        if key[0] == -3:
            pairs.append((key, (-2, -2, -2, *ties)))
        if key[0] == -2:
            pairs.append((key, (-1, -1, 0, *ties)))
        if key[0] == -1:
            pairs.append((key, (0, 0, *ties)))
    return tuple(pairs)


COMPARISONS: dict[str, Pairs] = {
    "density": _raised(KEYS_3, 0),
    "strength": _raised(KEYS_3, 1),
    "strength_vs_density": (((0, 2, 2), (1, 1, 1)),),
    "density_4": _one_more_edge(KEYS_4),
    "strength_4": _raised(KEYS_4, 0) + _raised(KEYS_4, 1),
    "strength_vs_density_4": (((-1, -1, 2, 2), (0, 1, 1, 1)),),
}


def compare_proportions(x1: int, n1: int, x2: int, n2: int) -> tuple[float, float]:
    """One-sided p-values for two proportions ``x1 / n1`` and ``x2 / n2``.

    .. math:: z = \\frac{x_1/n_1 - x_2/n_2}{\\sqrt{\\hat p (1 - \\hat p)(1/n_1 + 1/n_2)}},
              \\qquad \\hat p = \\frac{x_1 + x_2}{n_1 + n_2}

    with Fisher's exact test instead when both counts are at most 5.

    Returns
    -------
    p_increase, p_decrease : float
        Evidence that the second proportion is larger, and that it is smaller.

    Raises
    ------
    ValueError
        If a count is negative or exceeds its total.
    """
    n1, n2 = check_integer(n1, "n1", low=1), check_integer(n2, "n2", low=1)
    x1, x2 = check_integer(x1, "x1", low=0, high=n1), check_integer(x2, "x2", low=0, high=n2)
    if max(x1, x2) <= MAX_FISHER:
        table = [[x1, x2], [n1 - x1, n2 - x2]]
        sides = (stats.fisher_exact(table, side).pvalue for side in ("less", "greater"))
        return tuple(map(float, sides))  # type: ignore[return-value]
    pooled = (x1 + x2) / (n1 + n2)
    if pooled == 1:
        return 0.5, 0.5
    # Eq. (10)
    z = (x1 / n1 - x2 / n2) / (pooled * (1 - pooled) * (1 / n1 + 1 / n2)) ** 0.5
    return float(stats.norm.cdf(z)), float(stats.norm.sf(z))


def closure_tests(
    counts_by_dataset: Mapping[str, Counts], kind: str, alpha: float = 1e-5
) -> dict[str, int]:
    """Count significant tests over all networks and all pairs of neighbouring types.

    Parameters
    ----------
    counts_by_dataset : mapping of str to dict[key] -> (n_open, n_closed)
        Tables of :func:`closure_counts_3` or, for a ``kind`` that ends in ``_4``, of
        :func:`closure_counts_4`.
    kind : {"density", "strength", "strength_vs_density", "density_4", "strength_4", \
"strength_vs_density_4"}
        ``density`` compares a type with the one that has an edge more, ``strength`` with the one
        that has a tie stronger. ``strength_vs_density`` compares two strong edges (0, 2, 2) with
        three weak ones (1, 1, 1): an increase speaks for density, a decrease for strength.
    alpha : float
        Level of each test, in (0, 1).

    Returns
    -------
    dict with "increase", "decrease" and "total"
        A pair is skipped where one of its types was seen 20 times or fewer.

    Raises
    ------
    ValueError
        If ``kind`` is unknown, ``alpha`` is out of range, or a table lacks a key.
    """
    pairs = COMPARISONS[check_choice(kind, "kind", COMPARISONS)]
    alpha = check_number(alpha, "alpha", low=0, high=1, low_open=True, high_open=True)
    if not isinstance(counts_by_dataset, Mapping):
        raise TypeError(
            "counts_by_dataset must map names to tables of counts, "
            f"got {type(counts_by_dataset).__name__}"
        )
    p_values = [
        compare_proportions(x1, n1, x2, n2)
        for name, counts in counts_by_dataset.items()
        for (n1, x1), (n2, x2) in _rows(name, counts, pairs)
        if min(n1, n2) > MIN_OPEN
    ]
    return {
        "increase": sum(up < alpha for up, _ in p_values),
        "decrease": sum(down < alpha for _, down in p_values),
        "total": len(p_values),
    }


def _rows(name: str, counts: Counts, pairs: Pairs) -> list[tuple[tuple[int, int], ...]]:
    missing = {key for pair in pairs for key in pair} - set(counts)
    if missing:
        raise ValueError(
            f"counts_by_dataset[{name!r}] must have a row for each type, "
            f"but lacks {sorted(missing)}"
        )
    return [(counts[a], counts[b]) for a, b in pairs]
