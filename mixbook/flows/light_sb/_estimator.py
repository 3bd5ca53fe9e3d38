"""The estimator: fits the potential by Adam and reads everything else off in closed form."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from torch import Tensor

from mixbook.core.seeds import as_generator, pick_device
from mixbook.core.training import minimise
from mixbook.core.validation import as_matrix, check_choice, check_integer, check_number
from mixbook.flows.light_sb import _potential as closed_form

__all__ = ["LightSB"]

Array: TypeAlias = np.ndarray | Tensor  # results are of the kind that came in
Seed: TypeAlias = int | torch.Generator | None
Step: TypeAlias = Callable[[Tensor, float, float], Tensor]  # (state at s, s, t) -> state at t


class LightSB(BaseEstimator):
    r"""Schrödinger bridge between two samples, with a mixture of Gaussians as its potential.

    The model is :math:`v(y)=\sum_k\alpha_kN(y\mid r_k,\varepsilon S_k)`, Eq. (3). It is fitted by
    minimising :math:`E\log c(x_0)-E\log v(x_1)`, Eq. (7), on independent minibatches. Every method
    after ``fit`` is closed form; results are arrays for arrays and tensors for tensors.

    Parameters
    ----------
    n_components : int
        Number K of Gaussians, at least 1.
    epsilon : float
        Variance of the reference Brownian motion over unit time, in squared units of the data.
        Small values give nearly deterministic maps, large ones nearly independent end points.
    covariance_type : {"diag", "full"}
        Shape of the matrices S_k. Diagonal ones cost O(K D) a sample, full ones O(K D^2).
    max_iter : int
        Number of Adam steps.
    batch_size : int
        Rows drawn (with replacement) from each population at each step.
    lr : float
        Learning rate; small epsilon needs smaller values, large epsilon allows larger ones.
    s_init : float
        All S_k start as ``s_init`` times the identity.
    init : {"samples", "normal"}
        Start the centres at rows of X1, or at standard normal draws.
    n_init : int
        Number of starts, all trained at once on the same minibatches; the one with the lowest loss
        over the whole training sample is kept. More starts help a small K, which has poor local
        minima.
    warm_start : bool
        Go on from the present potential when there is one, as from an earlier ``fit`` with another
        learning rate or from :meth:`from_parameters`; ``s_init``, ``init`` and
        ``n_init`` are then ignored.
    random_state : int, torch.Generator or None
        Source of randomness of ``fit``.
    device : str or torch.device
        Where to compute; ``"auto"`` takes a GPU if there is one.
    dtype : torch.dtype
        float32 is enough for data of unit scale and epsilon of 0.01 or more; else use float64.
    verbose : int
        Show a progress bar while fitting if positive.

    Attributes
    ----------
    log_alpha_ : Tensor of shape (K,)
    r_ : Tensor of shape (K, D)
    S_ : Tensor of shape (K, D) for "diag", (K, D, D) for "full"
    loss_curve_ : ndarray of shape (max_iter,)
        Minibatch loss at each step.
    start_losses_ : ndarray of shape (n_init,)
        Loss over the whole training sample at the end of each start; only with ``n_init > 1``.
    n_features_in_ : int

    References
    ----------
    Korotin, Gushchin, Burnaev. Light Schrödinger Bridge. ICLR 2024, arXiv:2310.01174.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X0, X1 = rng.normal(size=(500, 2)), rng.normal(3.0, 0.5, size=(500, 2))
    >>> model = LightSB(n_components=5, epsilon=0.1, max_iter=500, lr=1e-2, random_state=0)
    >>> model.fit(X0, X1).sample_at(X0, t=0.5, random_state=0).shape
    (500, 2)
    """

    def __init__(
        self,
        n_components: int = 50,
        epsilon: float = 1.0,
        covariance_type: str = "diag",
        max_iter: int = 10_000,
        batch_size: int = 128,
        lr: float = 1e-3,
        s_init: float = 0.1,
        init: str = "samples",
        random_state: Seed = None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
        verbose: int = 0,
        n_init: int = 1,
        warm_start: bool = False,
    ) -> None:
        self.n_components = n_components
        self.epsilon = epsilon
        self.covariance_type = covariance_type
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.lr = lr
        self.s_init = s_init
        self.init = init
        self.n_init = n_init
        self.warm_start = warm_start
        self.random_state = random_state
        self.device = device
        self.dtype = dtype
        self.verbose = verbose

    def fit(self, X0: Any, X1: Any) -> "LightSB":
        """Fit the potential to samples of the start and of the end population.

        Parameters
        ----------
        X0, X1 : array-like of shape (n, D), (m, D)
            The rows are unpaired. ``init="samples"`` needs at least ``n_components`` rows in X1.

        Raises
        ------
        TypeError, ValueError
            If a hyperparameter or a sample has the wrong kind, shape or range.
        FloatingPointError
            If the loss diverges; the message names the step.
        """
        self._check_hyperparameters()
        warm = self.warm_start and hasattr(self, "r_")
        min_rows = self.n_components if self.init == "samples" and not warm else 1
        x0 = self._as_points(X0, "X0")
        x1 = self._as_points(X1, "X1", min_rows=min_rows, n_columns=x0.shape[1])
        generator = as_generator(self.random_state, x0.device)
        n_models = 1 if warm else self.n_init
        *parameters, basis = self._present(x1) if warm else self._starts(x1, generator)
        parameters = [p.requires_grad_() for p in parameters]
        losses = self._minibatch_losses(x0, x1, parameters, basis, generator, n_models)
        curves: list[Tensor] = []

        def total() -> Tensor:
            """Adam treats each entry on its own, so the sum trains each model as if alone."""
            curves.append(losses())
            return curves[-1].sum()

        minimise(
            total,
            parameters,
            self.max_iter,
            lr=self.lr,
            progress=self.verbose > 0,
            description="LightSB",
            fused=True,
        )
        with torch.no_grad():
            models = [p.unflatten(0, (n_models, -1)) for p in self._unpack(basis, *parameters)]
            best = self._best(models, x0, x1) if n_models > 1 else 0
            self.loss_curve_ = torch.stack(curves)[:, best].cpu().numpy()
            return self._set_parameters(*(p[best] for p in models))

    @classmethod
    def from_parameters(cls, log_alpha: Tensor, r: Tensor, S: Tensor, epsilon: float) -> "LightSB":
        """A fitted model with the given potential, for instance a known solution.

        Parameters
        ----------
        log_alpha, r, S : Tensor of shape (K,), (K, D), (K, D) or (K, D, D)
            Floating-point tensors of one dtype and device.
        epsilon : float

        Raises
        ------
        TypeError, ValueError
            If shapes or dtypes disagree, values are not finite, or an S_k is not positive definite.
        """
        closed_form.check(log_alpha, r, S, epsilon)
        model = cls(
            n_components=len(log_alpha),
            epsilon=epsilon,
            covariance_type="diag" if S.ndim == 2 else "full",
            device=r.device,
            dtype=r.dtype,
        )
        return model._set_parameters(log_alpha.detach(), r.detach(), S.detach())

    @torch.no_grad()
    def log_v(self, y: Any) -> Array:
        """Log adjusted potential at each row, Eq. (3), shape (n,). Defined up to a constant."""
        return _like(closed_form.log_potential(self._points(y, "y"), *self._theta()), y)

    @torch.no_grad()
    def log_c(self, x: Any) -> Array:
        """Log normaliser of the conditional plan at each row, Eq. (5), shape (n,)."""
        return _like(closed_form.log_normaliser(self._points(x, "x"), *self._theta()), x)

    @torch.no_grad()
    def conditional(self, x: Any) -> tuple[Array, Array, Array]:
        """The mixture pi(. | x) of Eq. (6).

        Returns
        -------
        weights : (n, K), means : (n, K, D), covariances : (K, D) or (K, D, D)
            The covariances do not depend on x.
        """
        points = self._points(x, "x")
        log_w = closed_form.tilted_log_weights(points, *self._theta())
        means = closed_form.component_means(points, self.r_, self.S_)
        return (
            _like(torch.softmax(log_w, dim=1), x),
            _like(means, x),
            _like(self.epsilon * self.S_, x),
        )

    @torch.no_grad()
    def conditional_moments(self, x: Any) -> tuple[Array, Array]:
        """Mean (n, D) and covariance (n, D, D) of pi(. | x)."""
        mean, cov = closed_form.conditional_moments(self._points(x, "x"), *self._theta())
        return _like(mean, x), _like(cov, x)

    @torch.no_grad()
    def predict(self, X0: Any) -> Array:
        """Conditional mean E[y | x] of each row, shape (n, D)."""
        return _like(closed_form.conditional_mean(self._points(X0, "X0"), *self._theta()), X0)

    @torch.no_grad()
    def drift(self, x: Any, t: Any) -> Array:
        r"""Drift g(x, t) of the bridge :math:`dX = g\,dt + \sqrt\varepsilon\,dB`, Eq. (10).

        Parameters
        ----------
        x : array-like of shape (n, D)
        t : float or array-like of shape (n,)
            Times in [0, 1).

        Raises
        ------
        TypeError, ValueError
            If a time lies outside [0, 1) or the shapes disagree.
        """
        points = self._points(x, "x")
        return _like(closed_form.drift(points, t, *self._theta()), x)

    @torch.no_grad()
    def sample(self, X0: Any, random_state: Seed = None) -> Array:
        """Draw one end point y ~ pi(. | x) for each row, shape (n, D)."""
        x = self._points(X0, "X0")
        return _like(self._sample_end(x, as_generator(random_state, x.device)), X0)

    @torch.no_grad()
    def sample_at(self, X0: Any, t: float, random_state: Seed = None) -> Array:
        """Draw the bridge's state at time t in [0, 1] for each row, exactly, Eq. (11).

        End points are drawn afresh in each call, so calls at several times are not one path; use
        :meth:`sample_path` for that.
        """
        x = self._points(X0, "X0")
        t = check_number(t, "t", low=0, high=1)
        generator = as_generator(random_state, x.device)
        y = self._sample_end(x, generator)
        # Eq. (11)
        x_t = (1 - t) * x + t * y + (self.epsilon * t * (1 - t)) ** 0.5 * _noise(x, generator)
        return _like(x_t, X0)

    @torch.no_grad()
    def sample_path(
        self, X0: Any, n_steps: int, random_state: Seed = None, *, method: str = "bridge"
    ) -> Array:
        """Draw whole paths on an even grid of times, shape (n, n_steps + 1, D).

        Parameters
        ----------
        X0 : array-like of shape (n, D)
            Starting points, handed back as ``path[:, 0]``.
        n_steps : int
            Number of steps from time 0 to time 1.
        method : {"bridge", "euler"}
            "bridge" draws end points and fills in a Brownian bridge, Eq. (12): exact at every grid
            time. "euler" integrates the drift, Eq. (10), by Euler-Maruyama: error O(1 / n_steps).
        """
        x = self._points(X0, "X0")
        check_integer(n_steps, "n_steps", low=1)
        check_choice(method, "method", ("bridge", "euler"))
        generator = as_generator(random_state, x.device)
        step = (
            self._bridge_step(x, generator) if method == "bridge" else self._euler_step(generator)
        )
        path = [x]
        for i in range(n_steps):
            path.append(step(path[-1], i / n_steps, (i + 1) / n_steps))
        return _like(torch.stack(path, dim=1), X0)

    @torch.no_grad()
    def score(self, X0: Any, X1: Any) -> float:
        """Minus the loss of Eq. (7); higher is better. Only differences carry meaning."""
        log_c, log_v = self.log_c(self._points(X0, "X0")), self.log_v(self._points(X1, "X1"))
        return float(log_v.mean() - log_c.mean())

    def _sample_end(self, x: Tensor, generator: torch.Generator) -> Tensor:
        w = torch.softmax(closed_form.tilted_log_weights(x, *self._theta()), dim=1)
        k = torch.multinomial(w, 1, generator=generator)[:, 0]
        r, noise = self.r_[k], _noise(x, generator)
        # Eq. (6), which is Eq. (1) given x
        if self.S_.ndim == 2:
            S = self.S_[k]
            return r + S * x + (self.epsilon * S).sqrt() * noise
        factor = torch.linalg.cholesky(self.epsilon * self.S_)
        return r + _rows(self.S_[k], x) + _rows(factor[k], noise)

    def _bridge_step(self, x: Tensor, generator: torch.Generator) -> Step:
        y = self._sample_end(x, generator)

        def step(x_s: Tensor, s: float, t: float) -> Tensor:
            # Eq. (12)
            mean = x_s + (t - s) / (1 - s) * (y - x_s)
            variance = self.epsilon * (t - s) * (1 - t) / (1 - s)
            return mean + variance**0.5 * _noise(x, generator)

        return step

    def _euler_step(self, generator: torch.Generator) -> Step:
        def step(x_s: Tensor, s: float, t: float) -> Tensor:
            noise = (self.epsilon * (t - s)) ** 0.5 * _noise(x_s, generator)
            return x_s + (t - s) * closed_form.drift(x_s, s, *self._theta()) + noise

        return step

    def _minibatch_losses(
        self,
        x0: Tensor,
        x1: Tensor,
        parameters: list[Tensor],
        basis: Tensor,
        generator: torch.Generator,
        n_models: int,
    ) -> Callable[[], Tensor]:
        """A function that draws a minibatch and returns the loss of each model, (n_models,)."""
        origin = x1.mean(0)  # expanded squares lose digits far from the origin
        f0, f1 = closed_form.with_squares(x0), closed_form.with_squares(x1 - origin)

        def diagonal() -> Tensor:
            a, r, log_s = parameters
            batch0, batch1 = (_draw_rows(f, self.batch_size, generator) for f in (f0, f1))
            return closed_form.DiagonalLoss.apply(
                a / self.epsilon, r, log_s, self.epsilon, batch0, batch1, origin, n_models
            )

        def full() -> Tensor:
            batch0, batch1 = (_draw_rows(x, self.batch_size, generator) for x in (x0, x1))
            models = zip(*(p.chunk(n_models) for p in self._unpack(basis, *parameters)))
            losses = [
                closed_form.light_sb_loss(a, r, S, self.epsilon, batch0, batch1)
                for a, r, S in models
            ]
            return torch.stack(losses)

        return diagonal if self.covariance_type == "diag" else full

    def _best(self, models: list[Tensor], x0: Tensor, x1: Tensor) -> int:
        """Which of the models, stacked along the first axis, has the lowest training loss."""
        losses = [
            closed_form.light_sb_loss(a, r, S, self.epsilon, x0, x1) for a, r, S in zip(*models)
        ]
        self.start_losses_ = torch.stack(losses).cpu().numpy()
        return int(self.start_losses_.argmin())

    def _starts(self, x1: Tensor, generator: torch.Generator) -> list[Tensor]:
        """The free parameters of all starts, one after the other, and the basis of rotations."""
        starts = [self._start(x1, generator) for _ in range(self.n_init)]
        return [*(torch.cat(p) for p in zip(*(s[:-1] for s in starts))), starts[0][-1]]

    def _start(self, x1: Tensor, generator: torch.Generator) -> list[Tensor]:
        """Free parameters at the start of a fit, and the basis that rotations start from."""
        K, D = self.n_components, x1.shape[1]
        options: dict[str, Any] = {"dtype": x1.dtype, "device": x1.device}
        if self.init == "samples":
            rows = torch.randperm(len(x1), generator=generator, device=x1.device)[:K]
            r = x1[rows]
        else:
            r = torch.randn(K, D, generator=generator, **options)
        a = torch.full((K,), -self.epsilon * float(np.log(K)), **options)
        log_s = torch.full((K, D), float(np.log(self.s_init)), **options)
        eye = torch.eye(D, **options)
        if self.covariance_type == "diag":
            return [a, r, log_s, eye]
        return [a, r, log_s, torch.randn(K, D, D, generator=generator, **options), eye]

    def _present(self, x1: Tensor) -> list[Tensor]:
        """The same, so that they unpack to the present potential."""
        K, D = self.n_components, x1.shape[1]
        wanted = (K, D) if self.covariance_type == "diag" else (K, D, D)
        if tuple(self.S_.shape) != wanted:
            raise ValueError(
                f"warm_start needs the present S_ to have shape {wanted}, as n_components, "
                f"covariance_type and the data say, got {tuple(self.S_.shape)}"
            )
        a, r, S = (p.to(x1, copy=True) for p in (self.epsilon * self.log_alpha_, self.r_, self.S_))
        if S.ndim == 2:
            return [a, r, S.log(), torch.eye(D).to(x1)]
        s, basis = torch.linalg.eigh(S)
        return [a, r, s.log(), torch.zeros_like(S), basis]

    def _unpack(
        self, basis: Tensor, a: Tensor, r: Tensor, log_s: Tensor, skew: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Free parameters to (log_alpha, r, S); log_alpha = a / epsilon sets Adam's step on it."""
        if skew is None:
            return a / self.epsilon, r, log_s.exp()
        Q = basis @ torch.linalg.matrix_exp(skew - skew.transpose(1, 2))  # orthogonal
        S = (Q * log_s.exp()[:, None]) @ Q.transpose(1, 2)
        return a / self.epsilon, r, 0.5 * (S + S.transpose(1, 2))

    def _set_parameters(self, log_alpha: Tensor, r: Tensor, S: Tensor) -> "LightSB":
        self.log_alpha_, self.r_, self.S_ = log_alpha.clone(), r.clone(), S.clone()
        self.n_features_in_ = r.shape[1]
        return self

    def _theta(self) -> tuple[Tensor, Tensor, Tensor, float]:
        return self.log_alpha_, self.r_, self.S_, self.epsilon

    def _check_hyperparameters(self) -> None:
        check_integer(self.n_components, "n_components", low=1)
        check_integer(self.max_iter, "max_iter", low=1)
        check_integer(self.batch_size, "batch_size", low=1)
        check_integer(self.n_init, "n_init", low=1)
        for name in ("epsilon", "lr", "s_init"):
            check_number(getattr(self, name), name, low=0, low_open=True)
        check_choice(self.covariance_type, "covariance_type", ("diag", "full"))
        check_choice(self.init, "init", ("samples", "normal"))
        if self.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"dtype must be torch.float32 or torch.float64, got {self.dtype!r}")

    def _as_points(self, x: Any, name: str, **wanted: Any) -> Tensor:
        return as_matrix(x, name, dtype=self.dtype, device=pick_device(self.device), **wanted)

    def _points(self, x: Any, name: str) -> Tensor:
        if not hasattr(self, "r_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet; call fit first")
        return self._as_points(x, name, n_columns=self.n_features_in_)


def _draw_rows(x: Tensor, n: int, generator: torch.Generator) -> Tensor:
    return x[torch.randint(len(x), (n,), generator=generator, device=x.device)]


def _noise(x: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)


def _rows(matrices: Tensor, x: Tensor) -> Tensor:
    return (matrices @ x[:, :, None])[:, :, 0]


def _like(result: Tensor, given: Any) -> Any:
    """A tensor for a tensor, on its device, else a NumPy array."""
    return result.to(given.device) if isinstance(given, Tensor) else result.cpu().numpy()
