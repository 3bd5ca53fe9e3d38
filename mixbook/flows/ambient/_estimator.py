"""The whole model: a preconditioned network, fitted to items of mixed noise, and its samples."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mixbook.core.diffusion import EDMPrecond, MLPDenoiser, edm_sampler, log_normal_levels
from mixbook.core.progress import trange
from mixbook.core.seeds import as_generator, pick_device
from mixbook.core.validation import as_matrix, check_choice, check_integer, check_number
from mixbook.flows.ambient._losses import consistency_loss, diffuse, loss_at

__all__ = ["AmbientDiffusion", "draw_batch"]

BLOCK = 32  # batches whose rows and levels are drawn together
SAMPLING = ("sigma_first", "truncate", "clamp")


class AmbientDiffusion(BaseEstimator):
    """A diffusion model for tables of numbers, some of whose rows carry known Gaussian noise.

    Parameters
    ----------
    hidden, depth : int
        Width and number of hidden layers of the network.
    lr : float
        Peak learning rate of Adam; it rises over the first part of the steps, then falls as a
        cosine to zero. Gradients are clipped at norm one.
    warmup : float
        Part of the steps on which the rate rises, in [0, 1).
    batch_size : int
    sigma_data : float
        Standard deviation of a coordinate of the clean data; scale them to it.
    sigma_max : float
        Level at which sampling starts.
    sampling : {"sigma_first", "truncate", "clamp"}
        How a batch is drawn. ``"clamp"`` draws rows, then levels that are raised to the row's own
        noise where they are below (the official code; such draws teach nothing). ``"truncate"``
        draws rows, then levels above their noise. ``"sigma_first"`` draws levels, then rows with
        less noise than that, which keeps small levels in view when few rows are clean.
    ema_half_life : float
        Rows seen after which a set of weights counts half in the average that is used (the official
        runs: 500,000); 0 uses the last weights.
    consistency_batch, consistency_samples, consistency_steps : int
        Rows, draws a row and steps a draw of the consistency loss.
    unbiased : bool
        Of `consistency_loss`.
    net : callable, optional
        ``net(dim, generator)`` makes another network than `MLPDenoiser`.
    random_state : int, torch.Generator or None
    device : str
    progress : bool

    Attributes
    ----------
    denoiser_ : nn.Module
        ``denoiser_(x, sigma)`` on the device.
    losses_ : float array of shape (max_steps,)
    n_features_in_ : int
    """

    def __init__(
        self,
        hidden: int = 128,
        depth: int = 3,
        lr: float = 2e-3,
        warmup: float = 0.05,
        batch_size: int = 512,
        sigma_data: float = 0.5,
        sigma_max: float = 80.0,
        sampling: str = "sigma_first",
        ema_half_life: float = 0.0,
        consistency_batch: int = 32,
        consistency_samples: int = 6,
        consistency_steps: int = 6,
        unbiased: bool = False,
        net: Callable[[int, torch.Generator], nn.Module] | None = None,
        random_state: int | torch.Generator | None = None,
        device: str = "cpu",
        progress: bool = False,
    ) -> None:
        self.hidden, self.depth, self.lr, self.warmup = hidden, depth, lr, warmup
        self.batch_size, self.sigma_data, self.sigma_max = batch_size, sigma_data, sigma_max
        self.sampling, self.ema_half_life = sampling, ema_half_life
        self.consistency_batch, self.consistency_samples = consistency_batch, consistency_samples
        self.consistency_steps, self.unbiased, self.net = consistency_steps, unbiased, net
        self.random_state, self.device, self.progress = random_state, device, progress

    def fit(
        self,
        X: Any,
        sigma_tn: Any = 0.0,
        max_steps: int = 3000,
        consistency: float = 0.0,
    ) -> "AmbientDiffusion":
        """Train on rows of ``X``, each with noise of known level.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows as given. Noise must have been drawn once for each row: a new draw in each epoch
            would leak the clean row.
        sigma_tn : float or array-like of shape (n,)
            Standard deviation of the noise in each row; 0 is clean.
        max_steps : int
        consistency : float
            Coefficient of the consistency loss; 0 leaves it out.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong kind, shape or range.
        FloatingPointError
            If the loss stops being finite.
        """
        device = self._check()
        x = as_matrix(X, "X", device=device)
        levels = _as_levels(sigma_tn, "sigma_tn", len(x), device, low_open=False)
        max_steps = check_integer(max_steps, "max_steps", low=1)
        weight = check_number(consistency, "consistency", low=0)
        generator = as_generator(self.random_state, device)
        start = as_generator(int(torch.randint(2**31, (), generator=generator, device=device)))
        dim = x.shape[1]
        make = self.net or (lambda d, g: MLPDenoiser(d, self.hidden, self.depth, generator=g))
        model = EDMPrecond(make(dim, start), self.sigma_data).to(device)
        order = levels.argsort()
        x, levels = x[order], levels[order]

        batches = _batches(levels, self.batch_size, self.sampling, generator)

        def loss() -> Tensor:
            rows, sigma = next(batches)
            x_tn, own = x[rows], levels[rows]
            total = loss_at(model, x_tn, own, sigma, self.sigma_data, generator)
            if weight:
                few = slice(0, self.consistency_batch)
                total = total + weight * self._consistency(
                    model, x_tn[few], own[few], sigma[few], generator
                )
            return total

        average, self.losses_ = self._train(model, loss, max_steps)
        self.denoiser_ = average.eval().requires_grad_(False)
        self.n_features_in_ = dim
        return self

    def _consistency(
        self, model: nn.Module, x_tn: Tensor, own: Tensor, sigma: Tensor, generator: torch.Generator
    ) -> Tensor:
        x_t = diffuse(x_tn, own, sigma, generator)
        lower = torch.minimum(log_normal_levels(len(x_t), generator=generator), sigma)
        P, m = self.consistency_samples, self.consistency_steps
        return consistency_loss(
            model, x_t, sigma, lower, P, m, unbiased=self.unbiased, generator=generator
        )

    def _train(
        self, model: nn.Module, loss: Callable[[], Tensor], max_steps: int
    ) -> tuple[nn.Module, np.ndarray]:
        parameters = list(model.parameters())
        optimiser = torch.optim.Adam(parameters, lr=self.lr, betas=(0.9, 0.999), fused=True)
        average = None
        if self.ema_half_life:
            decay = 0.5 ** (self.batch_size / self.ema_half_life)
            average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))
        losses = torch.empty(max_steps, device=parameters[0].device)
        for step in trange(max_steps, desc="training", disable=not self.progress, leave=False):
            rate = self.lr * _schedule(step, max_steps, self.warmup)
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.zero_grad(set_to_none=True)
            value = loss()
            value.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            losses[step] = value.detach()
            if average is not None:
                average.update_parameters(model)
        bad = ~torch.isfinite(losses)
        if bad.any():
            raise FloatingPointError(
                f"the loss became {losses[bad][0].item()} at step {int(bad.nonzero()[0])}; "
                "try a smaller learning rate"
            )
        return (model if average is None else average.module), losses.cpu().numpy()

    def sample(
        self,
        n: int,
        n_steps: int = 18,
        stop_sigma: float = 0.0,
        random_state: int | torch.Generator | None = None,
    ) -> Float[Tensor, "n d"]:
        """Draw ``n`` rows by EDM's sampler.

        Parameters
        ----------
        n, n_steps : int
        stop_sigma : float
            Stop with the denoised estimate once the next level is below this; for a model that saw
            no row with less noise, set it to that noise.
        random_state : int, torch.Generator or None
        """
        check_is_fitted(self, "denoiser_")
        n = check_integer(n, "n", low=1)
        stop = check_number(stop_sigma, "stop_sigma", low=0)
        device = pick_device(self.device)
        made = edm_sampler(
            self.denoiser_,
            (n, self.n_features_in_),
            n_steps,
            sigma_max=self.sigma_max,
            stop_variance=stop**2,
            generator=as_generator(random_state, device),
            device=device,
        )
        return made.cpu()

    def denoise(self, x: Any, sigma: Any) -> Any:
        """Estimate the clean rows behind ``x`` at level ``sigma`` (positive number or (n,)).

        Returns a tensor for a tensor, else an array.
        """
        check_is_fitted(self, "denoiser_")
        device = pick_device(self.device)
        rows = as_matrix(x, "x", device=device, n_columns=self.n_features_in_)
        levels = _as_levels(sigma, "sigma", len(rows), device, low_open=True)
        with torch.no_grad():
            found = self.denoiser_(rows, levels).cpu()
        return found if isinstance(x, Tensor) else found.numpy()

    def _check(self) -> torch.device:
        for name in ("hidden", "depth", "batch_size", "consistency_batch", "consistency_steps"):
            check_integer(getattr(self, name), name, low=1)
        least = 2 if self.unbiased else 1
        check_integer(self.consistency_samples, "consistency_samples", low=least)
        for name in ("lr", "sigma_data", "sigma_max"):
            check_number(getattr(self, name), name, low=0, low_open=True)
        check_number(self.warmup, "warmup", low=0, high=1, high_open=True)
        check_number(self.ema_half_life, "ema_half_life", low=0)
        check_choice(self.sampling, "sampling", SAMPLING)
        return pick_device(self.device)


def draw_batch(
    levels: Float[Tensor, " n"],
    batch_size: int,
    sampling: str,
    generator: torch.Generator,
) -> tuple[Tensor, Float[Tensor, " b"]]:
    """Rows and training levels of one batch.

    Parameters
    ----------
    levels : Tensor of shape (n,)
        Noise of each row, **sorted** from small to large.
    batch_size : int
    sampling : {"sigma_first", "truncate", "clamp"}
        See `AmbientDiffusion`.
    generator : torch.Generator

    Returns
    -------
    rows : int Tensor of shape (batch_size,)
    sigma : Tensor of shape (batch_size,)
        At least the noise of the row.
    """
    u = torch.rand(batch_size, generator=generator, dtype=torch.float64, device=levels.device)
    if sampling == "sigma_first":
        sigma = log_normal_levels(batch_size, low=levels[0].item(), generator=generator)
        eligible = torch.searchsorted(levels, sigma).clamp(min=1)
        return (u * eligible).long(), sigma
    rows = (u * len(levels)).long()
    if sampling == "truncate":
        return rows, log_normal_levels(batch_size, low=levels[rows], generator=generator)
    return rows, torch.maximum(log_normal_levels(batch_size, generator=generator), levels[rows])


def _batches(
    levels: Tensor, batch_size: int, sampling: str, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches without end; many are drawn at once, as small draws cost mostly overhead."""
    while True:
        rows, sigma = draw_batch(levels, BLOCK * batch_size, sampling, generator)
        yield from zip(rows.split(batch_size), sigma.split(batch_size))


def _schedule(step: int, n_steps: int, warmup: float) -> float:
    rise = warmup * n_steps
    if step + 1 < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1.0, n_steps - rise)))


def _as_levels(
    sigma: Any, name: str, n: int, device: torch.device, *, low_open: bool
) -> Float[Tensor, " n"]:
    """One level a row, as float32, out of a number or a list."""
    if np.ndim(sigma) == 0:
        number = sigma.item() if isinstance(sigma, Tensor | np.ndarray | np.generic) else sigma
        return torch.full((n,), check_number(number, name, low=0, low_open=low_open), device=device)
    levels = as_matrix(np.asarray(sigma)[:, None], name, device=device, n_columns=1)[:, 0]
    if len(levels) != n:
        raise ValueError(f"{name} must be a number or have {n} entries, got {len(levels)}")
    if not ((levels > 0) if low_open else (levels >= 0)).all():
        raise ValueError(f"{name} must be {'> 0' if low_open else '>= 0'}, got {levels.min()}")
    return levels
