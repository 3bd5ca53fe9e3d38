"""A pair of populations whose plan is known exactly, and two scores: cBW-UVP, energy distance."""

import math
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from mixbook.core.seeds import as_generator
from mixbook.core.validation import as_matrix, check_integer, check_number
from mixbook.flows.light_sb._estimator import LightSB, Seed

__all__ = ["MixtureBenchmark", "cbw2_uvp", "energy_distance", "make_mixture_benchmark"]


@runtime_checkable
class HasMoments(Protocol):
    """Anything with conditional moments of a plan, for :func:`cbw2_uvp`."""

    def conditional_moments(self, x: Any, /) -> tuple[Any, Any]:
        """Mean (n, D) and covariance (n, D, D) of the plan given each row of x."""


class MixtureBenchmark:
    """Two populations in D dimensions joined by a known entropic transport plan.

    The start is N(0, I). The end is what the plan makes of it, so the plan is optimal between its
    own marginals by construction. Made by :func:`make_mixture_benchmark`.

    Attributes
    ----------
    plan : LightSB
        The true plan as a fitted model; its closed forms are the ground truth.
    dim : int
    epsilon : float
    """

    def __init__(self, plan: LightSB) -> None:
        self.plan = plan
        self.dim = plan.n_features_in_
        self.epsilon = plan.epsilon

    def sample_source(self, n: int, random_state: Seed = None) -> Float[Tensor, "n D"]:
        """Draw ``n`` start points from N(0, I)."""
        check_integer(n, "n", low=1)
        r = self.plan.r_
        generator = as_generator(random_state, r.device)
        return torch.randn(n, self.dim, generator=generator, dtype=r.dtype, device=r.device)

    def sample_target(self, n: int, random_state: Seed = None) -> Float[Tensor, "n D"]:
        """Draw ``n`` end points, each from a fresh start point that is thrown away."""
        generator = as_generator(random_state, self.plan.r_.device)
        return self.sample_pair(n, generator)[1]

    def sample_pair(
        self, n: int, random_state: Seed = None
    ) -> tuple[Float[Tensor, "n D"], Float[Tensor, "n D"]]:
        """Draw ``n`` pairs from the true plan."""
        generator = as_generator(random_state, self.plan.r_.device)
        x = self.sample_source(n, generator)
        return x, self.plan._sample_end(x, generator)

    def conditional_moments(self, x: Any) -> tuple[Any, Any]:
        """True mean (n, D) and covariance (n, D, D) of y given each row of x."""
        return self.plan.conditional_moments(x)

    def log_v(self, y: Any) -> Any:
        """True log adjusted potential at each row, up to a constant."""
        return self.plan.log_v(y)


def make_mixture_benchmark(
    dim: int,
    epsilon: float,
    random_state: Seed = None,
    *,
    n_components: int = 5,
    radius: float = 5.0,
    dtype: torch.dtype = torch.float32,
) -> MixtureBenchmark:
    r"""Build a pair of populations with a known plan, Eq. (14).

    The usual Schrödinger potential is a mixture :math:`\phi(y)=\sum_k\tfrac1KN(y\mid c_k,V_k)`;
    multiplying it by :math:`e^{-|y|^2/2\varepsilon}` gives a potential v of the LightSB family.

    Parameters
    ----------
    dim : int
        Dimension D of both populations.
    epsilon : float
        Variance of the reference Brownian motion, positive.
    n_components : int
        Number of Gaussians in the potential.
    radius : float
        The centres c_k are uniform on the sphere of this radius; the variances V_k are diagonal,
        uniform in [0.5, 1.5].

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong kind or range.
    """
    check_integer(dim, "dim", low=1)
    check_integer(n_components, "n_components", low=1)
    check_number(epsilon, "epsilon", low=0, low_open=True)
    check_number(radius, "radius", low=0)
    generator = as_generator(random_state)
    direction = torch.randn(n_components, dim, generator=generator, dtype=torch.float64)
    c = radius * direction / direction.norm(dim=1, keepdim=True)
    V = 0.5 + torch.rand(n_components, dim, generator=generator, dtype=torch.float64)
    # Eq. (14)
    eps_S = 1 / (1 / V + 1 / epsilon)
    r = eps_S * c / V
    log_alpha = -math.log(n_components) + 0.5 * (eps_S / V).log().sum(1)
    log_alpha = log_alpha - 0.5 * (c.square() / (V + epsilon)).sum(1)
    S = eps_S / epsilon
    return MixtureBenchmark(
        LightSB.from_parameters(log_alpha.to(dtype), r.to(dtype), S.to(dtype), epsilon)
    )


def cbw2_uvp(
    model: HasMoments, benchmark: MixtureBenchmark, n_test: int = 1000, random_state: Seed = 0
) -> float:
    r"""Error of a model's conditional plans, in per cent of the end population's variance.

    The mean over test points of the Bures-Wasserstein distance, Eq. (15), between the model's and
    the true conditional plan, divided by half the total variance of the end population, times 100.

    Parameters
    ----------
    model : object with ``conditional_moments(x)``
    benchmark : MixtureBenchmark
    n_test : int
        Number of start points to average over; the variance is estimated from 100 times as many
        (at most 100 000) end points.
    random_state : int, torch.Generator or None
        Source of the test points.

    Raises
    ------
    TypeError, ValueError
        If ``model`` has no ``conditional_moments``, or ``n_test`` is no integer of at least 1.
    """
    check_integer(n_test, "n_test", low=1)
    if not isinstance(model, HasMoments):
        raise TypeError(
            f"model must have a method conditional_moments(x), got {type(model).__name__}"
        )
    if not isinstance(benchmark, MixtureBenchmark):
        raise TypeError(f"benchmark must be a MixtureBenchmark, got {type(benchmark).__name__}")
    generator = as_generator(random_state, benchmark.plan.r_.device)
    x = benchmark.sample_source(n_test, generator)
    y = benchmark.sample_target(min(100 * n_test, 100_000), generator)
    distance = bures_wasserstein(*model.conditional_moments(x), *benchmark.conditional_moments(x))
    return 100 * (distance.mean() / (0.5 * y.var(dim=0).sum())).item()


def bures_wasserstein(
    m_a: Float[Tensor, "n D"],
    A: Float[Tensor, "n D D"],
    m_b: Float[Tensor, "n D"],
    B: Float[Tensor, "n D D"],
) -> Float[Tensor, " n"]:
    """Half the squared 2-Wasserstein distance between Gaussians, row by row, Eq. (15)."""
    m_a, A, m_b, B = (p.double() for p in (m_a, A, m_b, B))
    root = _psd_root(A)
    cross = torch.linalg.eigvalsh(root @ B @ root).clamp_min(0).sqrt().sum(1)
    traces = A.diagonal(dim1=1, dim2=2).sum(1) + B.diagonal(dim1=1, dim2=2).sum(1)
    # Eq. (15)
    return 0.5 * (m_a - m_b).square().sum(1) + 0.5 * traces - cross


def _psd_root(A: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(A)
    return (vectors * values.clamp_min(0).sqrt()[:, None]) @ vectors.transpose(1, 2)


def energy_distance(x: Any, y: Any) -> float:
    r"""Energy distance between two samples, Eq. (16); a U-statistic, so it can be below zero.

    .. math:: \mathrm{mean}|x_i-y_j| - \tfrac12\mathrm{mean}_{i\ne j}|x_i-x_j|
              - \tfrac12\mathrm{mean}_{i\ne j}|y_i-y_j|

    In the units of the data; half of the "energy distance" of some libraries. The cost is one
    pass over all pairs, in blocks of rows.

    Parameters
    ----------
    x, y : array-like of shape (n, D), (m, D)
        At least two rows each.

    Raises
    ------
    TypeError, ValueError
        If an argument is no finite (n, D) table, or the numbers of columns differ.
    """
    x = as_matrix(x, "x", min_rows=2)
    y = as_matrix(y, "y", min_rows=2, n_columns=x.shape[1])
    n, m = len(x), len(y)
    # Eq. (16)
    within = _sum_of_distances(x, x) / (n * (n - 1)) + _sum_of_distances(y, y) / (m * (m - 1))
    return _sum_of_distances(x, y) / (n * m) - 0.5 * within


def _sum_of_distances(x: Tensor, y: Tensor, rows: int = 1024) -> float:
    return sum(torch.cdist(block, y).sum(dtype=torch.float64).item() for block in x.split(rows))
