"""Distances between clouds of points: exact and sliced Wasserstein, kernel mean discrepancy."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mixbook.core.seeds import as_generator
from mixbook.core.validation import as_matrix, check_choice, check_integer, check_number

__all__ = [
    "GAMMAS",
    "import_ot",
    "mmd_rbf",
    "sliced_wasserstein",
    "transport_plan",
    "wasserstein_1",
    "wasserstein_2",
]

GAMMAS = (2.0, 1.0, 0.5, 0.1, 0.01, 0.005)
MAX_ITER = 1_000_000  # of POT's network simplex; its own default stops too early for 2,000 points


def wasserstein_1(X: Any, Y: Any) -> float:
    """Exact 1-Wasserstein distance with Euclidean cost between two uniform samples.

    Parameters
    ----------
    X, Y : array-like of shape (n, D), (m, D)
        The cost grows like n m log(n + m); 2,000 points a side take a second.

    Raises
    ------
    ImportError
        If POT is not installed.
    TypeError, ValueError
        If an argument is no finite (n, D) table, or the numbers of columns differ.
    """
    x, y = _pair(X, Y)
    return _emd2(torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist"))


def wasserstein_2(X: Any, Y: Any) -> float:
    """Exact 2-Wasserstein distance: root of the least mean squared distance; see wasserstein_1."""
    x, y = _pair(X, Y)
    return _emd2(torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").square()) ** 0.5


def transport_plan(X: Any, Y: Any, cost: str = "squared") -> Tensor:
    """Exact optimal plan between two uniform samples by POT, float64 of shape (n, m), sum one.

    Parameters
    ----------
    X, Y : array-like of shape (n, D), (m, D)
    cost : {"squared", "euclidean"}
        Squared or plain Euclidean distance.
    """
    check_choice(cost, "cost", ("squared", "euclidean"))
    x, y = _pair(X, Y)
    C = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
    C = C.square() if cost == "squared" else C
    return torch.from_numpy(import_ot().emd([], [], C.numpy(), numItermax=MAX_ITER))


def sliced_wasserstein(
    X: Any,
    Y: Any,
    n_projections: int = 100,
    generator: int | torch.Generator | None = None,
    p: float = 2,
) -> float:
    """Sliced p-Wasserstein distance over random directions; samples of different size are fine.

    The p-th root of the mean over directions of the p-th power of the one-dimensional distance;
    this is exact for each direction. It is smaller than the Wasserstein distance, in D dimensions
    by a factor of about the root of D (for p = 2).

    Parameters
    ----------
    X, Y : array-like of shape (n, D), (m, D)
    n_projections : int
        Directions, uniform on the sphere; the standard error falls with their root.
    generator : int, torch.Generator or None
        Draws the directions.
    p : float
        Order, at least 1.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong kind or range, or the numbers of columns differ.
    """
    check_integer(n_projections, "n_projections", low=1)
    check_number(p, "p", low=1)
    x, y = _pair(X, Y)
    random = as_generator(generator)
    directions = torch.randn(x.shape[1], n_projections, generator=random, dtype=x.dtype)
    directions = directions / directions.norm(dim=0)
    a, b = (x @ directions).sort(dim=0).values, (y @ directions).sort(dim=0).values
    gaps, widths = _quantile_gaps(a, b)
    return (widths @ gaps.abs() ** p).mean().item() ** (1 / p)


def mmd_rbf(X: Any, Y: Any, gammas: Sequence[float] = GAMMAS) -> float:
    r"""Squared maximum mean discrepancy, averaged over the scales of a Gaussian kernel.

    The kernel is :math:`\exp(-\gamma |x-y|^2)`.

    The plain (V-statistic) estimate, pairs of a point with itself included: zero for equal samples
    and never below, but of size :math:`1/n + 1/m` for two samples of one population.

    Parameters
    ----------
    X, Y : array-like of shape (n, D), (m, D)
    gammas : sequence of float
        Positive, in inverse squared units of the data.
    """
    if not len(gammas):
        raise ValueError("gammas must hold at least one value, got none")
    for gamma in gammas:
        check_number(gamma, "gammas", low=0, low_open=True)
    x, y = _pair(X, Y)
    within = _mean_kernel(x, x, gammas) + _mean_kernel(y, y, gammas)
    return max(0.0, within - 2 * _mean_kernel(x, y, gammas))


def import_ot() -> Any:
    """POT, or an error that names the extra."""
    try:
        import ot
    except ImportError as error:
        raise ImportError(
            'exact optimal transport needs POT; install it with: pip install "mixbook[flows]"'
        ) from error
    return ot


def _pair(X: Any, Y: Any) -> tuple[Tensor, Tensor]:
    x = as_matrix(X, "X", dtype=torch.float64).detach()
    return x, as_matrix(Y, "Y", dtype=torch.float64, n_columns=x.shape[1]).detach()


def _emd2(cost: Tensor) -> float:
    return max(0.0, float(import_ot().emd2([], [], cost.numpy(), numItermax=MAX_ITER)))


def _quantile_gaps(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Differences of two quantile functions on the steps where both are constant, and their widths.

    a and b are sorted along their rows; the columns are independent.
    """
    n, m = len(a), len(b)
    if n == m:
        return a - b, torch.full((n,), 1 / n, dtype=a.dtype)
    # The steps of both, in units of 1 / (n m): integers, so that none is lost to rounding.
    ends = torch.cat([m * torch.arange(1, n + 1), n * torch.arange(1, m + 1)]).unique()
    starts = torch.cat([ends.new_zeros(1), ends[:-1]])
    return a[starts // m] - b[starts // n], (ends - starts).to(a.dtype) / (n * m)


def _mean_kernel(x: Tensor, y: Tensor, gammas: Sequence[float], rows: int = 1024) -> float:
    total = 0.0
    for block in x.split(rows):
        squared = torch.cdist(block, y).square()
        total += sum(torch.exp(-gamma * squared).sum().item() for gamma in gammas)
    return total / (len(x) * len(y) * len(gammas))
