"""The schedule of least kinetic energy, found in three ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.integrate import cumulative_trapezoid, solve_ivp
from scipy.optimize import brentq, minimize
from torch import Tensor

from mixbook.core.flow_matching import GaussianPath
from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.flows.kinetic_paths._separation import (
    SeparationCurve,
    data_separation,
    snr_grid,
)

HALF_PI = np.pi / 2
Angle = Callable[[Tensor], tuple[Tensor, Tensor]]


class KineticOptimalPath(GaussianPath):
    r"""The Gaussian path with the least kinetic energy for a given data separation, Theorem 3.1.

    Parameters
    ----------
    s_grid, lam_grid : array-like of shape (m,)
        Signal-to-noise ratios and the data separation there, see `SeparationCurve`.
    method : {"chord", "ode", "gradient"}
        ``"chord"``: closed form, Eq. (12). ``"ode"``: integrate Eq. (11) and shoot for b.
        ``"gradient"``: the paper's way, gradient descent on Eq. (10) over the angle of Eq. (16) and
        b. Only the last gives a schedule with bounded derivatives at t = 0.
    n_grid : int
        Number of angles of the tables.
    gamma_min : float
        Floor under :math:`\gamma`, which Monte Carlo error may push below zero.
    n_iter : int
        Most steps of the gradient method from each of its starts.

    Attributes
    ----------
    Phi_ : float
        Length of the quarter circle in the metric of the data, at most pi / 2.
    b_ : float
        The constant of Theorem 3.1.
    energy_ : float
        Kinetic energy of the schedule found, Eq. (10); equal to ``b_`` for "chord".
    theta_grid_, gamma_, phi_grid_ : ndarray of shape (n_grid,)
        Angles, the floored gamma and its arc length.
    curve_ : SeparationCurve
    t_first : float
        Time at which gamma leaves its floor; the derivatives before it are those of the floor.
    """

    def __init__(
        self,
        s_grid: Any,
        lam_grid: Any,
        method: str = "chord",
        *,
        n_grid: int = 4001,
        gamma_min: float = 1e-4,
        n_iter: int = 400,
    ) -> None:
        self.method = check_choice(method, "method", ("chord", "ode", "gradient"))
        n_grid = check_integer(n_grid, "n_grid", low=11)
        gamma_min = check_number(gamma_min, "gamma_min", low=0, high=1, low_open=True)
        n_iter = check_integer(n_iter, "n_iter", low=1)
        self.curve_ = SeparationCurve(s_grid, lam_grid)
        self.theta_grid_ = np.linspace(0, HALF_PI, n_grid)
        self.gamma_ = np.clip(self.curve_.gamma(self.theta_grid_), gamma_min, 1.0)
        speed = np.sqrt(self.gamma_)
        self.phi_grid_ = cumulative_trapezoid(speed, self.theta_grid_, initial=0.0)
        self.Phi_ = float(self.phi_grid_[-1])
        self.b_ = float(4 * np.sin(self.Phi_ / 2) ** 2)  # Eq. (13)
        self.energy_ = self.b_
        self._angle: Angle = self._chord_angle
        if method == "ode":
            self._angle = self._shoot()
        elif method == "gradient":
            self._angle = self._descend(n_iter)
        if method != "gradient":
            self.t_first = self._end_of_floor(gamma_min)

    @classmethod
    def from_data(
        cls,
        X: Any,
        method: str = "chord",
        *,
        s: Any = None,
        n_mc: int = 5000,
        random_state: int | np.random.Generator | None = None,
        **options: Any,
    ) -> KineticOptimalPath:
        """The path for the data separation of ``X``, estimated by `data_separation`.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Normalised inside.
        s : array-like, optional
            Default `snr_grid`.
        """
        ratios = snr_grid() if s is None else s
        lam, _ = data_separation(X, ratios, n_mc, random_state)
        return cls(ratios, np.clip(lam, 0, 1), method, **options)

    def polar(self, t: Any) -> tuple[Any, Any, Any, Any]:
        r"""Radius, its derivative, angle and its derivative at times t, as float64 arrays."""
        times = torch.as_tensor(t, dtype=torch.float64)
        return tuple(v.numpy() for v in self._polar(times))  # type: ignore[return-value]

    def residual(self, t: Any, h: float = 1e-5) -> Float[np.ndarray, " n"]:
        r"""How far the angle is from solving Eq. (11): relative error of its slope by differences.

        Parameters
        ----------
        t : array-like of shape (n,)
            Times in (h, 1 - h).
        """
        times = np.asarray(t, dtype=np.float64)
        slope = (self.polar(times + h)[2] - self.polar(times - h)[2]) / (2 * h)
        return slope / self._slope(times, self.polar(times)[2], self.b_) - 1

    def __repr__(self) -> str:
        return f"KineticOptimalPath(method={self.method!r}, b={self.b_:.4g})"

    def _alpha(self, t: Tensor) -> Tensor:
        r, _, theta, _ = self._polar(t)
        return (r * torch.sin(theta)).to(t)

    def _sigma(self, t: Tensor) -> Tensor:
        r, _, theta, _ = self._polar(t)
        return (r * torch.sin(HALF_PI - theta)).to(t)

    def _d_alpha(self, t: Tensor) -> Tensor:
        r, dr, theta, dtheta = self._polar(t)
        return (dr * torch.sin(theta) + r * dtheta * torch.cos(theta)).to(t)

    def _d_sigma(self, t: Tensor) -> Tensor:
        r, dr, theta, dtheta = self._polar(t)
        return (dr * torch.sin(HALF_PI - theta) - r * dtheta * torch.sin(theta)).to(t)

    def _polar(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        t = t.detach().double().cpu()
        r = (1 - self.b_ * t + self.b_ * t**2).sqrt()  # Eq. (11)
        theta, dtheta = self._angle(t)
        return r, self.b_ * (2 * t - 1) / (2 * r), theta, dtheta

    def _chord_angle(self, t: Tensor) -> tuple[Tensor, Tensor]:
        # Eq. (12): the point of the chord, its argument, and the angle with that arc length
        across, along = t * np.sin(self.Phi_), (1 - t) + t * np.cos(self.Phi_)
        phi = torch.atan2(across, along)
        theta = _interpolate(phi, self.phi_grid_, self.theta_grid_)
        return theta, torch.as_tensor(self._slope(t.numpy(), theta.numpy(), self.b_))

    def _slope(self, t: Any, theta: Any, b: float) -> Any:
        """Right side of Eq. (11)."""
        gamma = np.interp(theta, self.theta_grid_, self.gamma_)
        return np.sqrt(b - b**2 / 4) / ((1 - b * t + b * t**2) * np.sqrt(gamma))  # Eq. (11)

    def _shoot(self) -> Angle:
        """Integrate Eq. (11) from 0 and choose b so that the angle ends at pi / 2."""

        def solve(b: float, t: np.ndarray) -> np.ndarray:
            options = {"method": "LSODA", "rtol": 1e-9, "atol": 1e-11}
            return solve_ivp(
                lambda t, y: self._slope(t, y, b), (0, 1), [0.0], t_eval=t, **options
            ).y[0]

        # the end is increasing in b up to 2, where a quarter circle has the largest length
        end = np.array([1.0])
        high = 2.0
        if solve(high, end)[0] > HALF_PI:
            high = brentq(lambda b: solve(b, end)[0] - HALF_PI, 1e-8, high, xtol=1e-10)
        self.b_ = float(high)
        t = np.linspace(0, 1, len(self.theta_grid_)) ** 3  # fine where the slope is large
        theta = np.minimum(solve(self.b_, t), HALF_PI)
        self.energy_ = self._polar_energy(t, theta)

        def angle(at: Tensor) -> tuple[Tensor, Tensor]:
            found = _interpolate(at, t, theta)
            return found, torch.as_tensor(self._slope(at.numpy(), found.numpy(), self.b_))

        return angle

    def _polar_energy(self, t: np.ndarray, theta: np.ndarray) -> float:
        """Eq. (10) of a table of angles, piece by piece, with r from Eq. (11)."""
        r = np.sqrt(1 - self.b_ * t + self.b_ * t**2)
        phi = np.interp(theta, self.theta_grid_, self.phi_grid_)
        radial, angular = np.diff(r) ** 2, (r[1:] * r[:-1]) * np.diff(phi) ** 2
        return float(np.sum((radial + angular) / np.diff(t)))  # Eq. (10)

    def _descend(self, n_iter: int) -> Angle:
        """Gradient descent on Eq. (10): nine numbers for the angle and one for b.

        Descends by BFGS, whose steps fit a valley as narrow as this one, from three starts.
        """
        w = (torch.arange(500, dtype=torch.float64) + 0.5) / 500
        t, step = w**2, 2 * w / 500  # finer at the start, where gamma is zero

        def energy(x: Tensor) -> Tensor:
            net, b = x[:9].view(3, 3), 4 * torch.sigmoid(x[9])
            square = 1 - b * t + b * t**2
            theta, dtheta = _network_angle(net, t)
            gamma = _interpolate(theta, self.theta_grid_, self.gamma_)
            radial = (b * (2 * t - 1)) ** 2 / (4 * square)
            return ((radial + square * dtheta**2 * gamma) * step).sum()  # Eq. (10)

        def with_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
            point = torch.from_numpy(x).requires_grad_()
            value = energy(point)
            value.backward()
            return value.item(), point.grad.numpy()  # type: ignore[union-attr]

        runs = [
            minimize(with_gradient, start, jac=True, method="BFGS", options={"maxiter": n_iter})
            for start in _starts()
        ]
        best = torch.from_numpy(min(runs, key=lambda run: run.fun).x)
        net = best[:9].view(3, 3)
        self.b_, self.energy_ = float(4 * torch.sigmoid(best[9])), float(energy(best))
        self.network_ = net.numpy()

        def angle(at: Tensor) -> tuple[Tensor, Tensor]:
            theta, dtheta = _network_angle(net, at)
            return theta.clamp(0, HALF_PI), dtheta

        return angle

    def _end_of_floor(self, gamma_min: float) -> float:
        above = np.flatnonzero(self.gamma_ > gamma_min)
        if not len(above) or above[0] == 0:
            return 0.0
        phi = self.phi_grid_[above[0]]
        return float(np.sin(phi) / (np.sin(self.Phi_ - phi) + np.sin(phi)))


def free_form_optimum(
    path: KineticOptimalPath, n_nodes: int = 41
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"], Float[np.ndarray, " n"], float]:
    """Minimise Eq. (10) over radius and angle at every node, with no formula for either.

    A check of Theorem 3.1 that does not use it: L-BFGS from Cond-OT over 2 (n_nodes - 2) numbers.

    Returns
    -------
    t, r, theta : ndarray of shape (n_nodes,)
    energy : float
        Of the polygon through the nodes.
    """
    n_nodes = check_integer(n_nodes, "n_nodes", low=4)
    t = np.linspace(0, 1, n_nodes)
    r0, theta0 = np.hypot(t, 1 - t), np.arctan2(t, 1 - t)

    def energy(values: np.ndarray) -> tuple[float, np.ndarray]:
        inner = torch.tensor(values.reshape(2, -1), requires_grad=True)
        ends = torch.tensor([[1.0, 1.0], [0.0, HALF_PI]], dtype=torch.float64)
        r, theta = torch.cat([ends[:, :1], inner, ends[:, 1:]], 1)
        phi = _interpolate(theta, path.theta_grid_, path.phi_grid_)
        total = _pieces(r, phi, 1 / (n_nodes - 1)).sum()
        total.backward()
        assert inner.grad is not None
        return float(total.detach()), inner.grad.numpy().ravel()

    start = np.concatenate([r0[1:-1], theta0[1:-1]])
    box = [(0.01, 2.0)] * (n_nodes - 2) + [(0.0, HALF_PI)] * (n_nodes - 2)
    options = {"maxiter": 3000, "maxfun": 10_000, "maxcor": 30, "ftol": 1e-13, "gtol": 1e-9}
    run = minimize(energy, start, jac=True, method="L-BFGS-B", bounds=box, options=options)
    r, theta = run.x.reshape(2, -1)
    r, theta = np.r_[1.0, r, 1.0], np.r_[0.0, theta, HALF_PI]
    return t, r, theta, float(run.fun)


def _pieces(r: Any, phi: Any, step: Any) -> Any:
    """Eq. (10) between neighbouring nodes, with the product of their radii for r^2."""
    along, across = r[1:] - r[:-1], phi[1:] - phi[:-1]
    return (along**2 + r[1:] * r[:-1] * across**2) / step  # Eq. (10)


def _starts() -> list[np.ndarray]:
    """Slow, middling and hurried first angles for the gradient method."""
    return [
        np.array([0.0, 0.0, 0.0, *[rate] * 3, 0.0, centre, 1.0, 0.0])
        for rate, centre in ((1.0, 0.5), (2.0, 0.3), (3.0, 0.1))
    ]


def _network_angle(net: Float[Tensor, "3 3"], t: Tensor) -> tuple[Tensor, Tensor]:
    """Eq. (16) and its derivative."""
    ends = torch.stack([torch.zeros_like(t), torch.ones_like(t), t])[..., None]
    size, rate = net[0].exp(), net[1].exp()
    wave = torch.tanh(rate * (ends - net[2]))
    low, high, value = (size * wave).sum(-1)
    slope = (size * rate * (1 - wave[2] ** 2)).sum(-1)
    scale = HALF_PI / (high - low)
    return scale * (value - low), scale * slope  # Eq. (16)


def _interpolate(x: Tensor, nodes: np.ndarray, values: np.ndarray) -> Tensor:
    """Linear interpolation in an increasing table, with a gradient in x."""
    at, table = torch.from_numpy(nodes), torch.from_numpy(values)
    right = torch.searchsorted(at, x.detach().contiguous()).clamp(1, len(at) - 1)
    share = (x - at[right - 1]) / (at[right] - at[right - 1])
    return table[right - 1] + share.clamp(0, 1) * (table[right] - table[right - 1])
