"""What a noisy item teaches: the ambient loss at levels above its own noise, and consistency."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from mixbook.core.diffusion import edm_weight, log_normal_levels, reverse_sde
from mixbook.core.seeds import as_generator
from mixbook.core.validation import check_integer, check_number

__all__ = ["ambient_loss", "consistency_loss", "diffuse", "ve_to_ve"]

Denoiser = Callable[[Tensor, Tensor], Tensor]
Items = Float[Tensor, "n ..."]
Levels = Float[Tensor, " n"]


def ve_to_ve(x0_pred: Items, x_t: Items, sigma_t: Levels, sigma_tn: Levels) -> Items:
    r"""Turn an estimate of the clean item into one of the noisy item that was given, Eq. (3).

    Parameters
    ----------
    x0_pred : Tensor of shape (n, ...)
        Estimates of :math:`E[x_0\mid x_t]`.
    x_t : Tensor of shape (n, ...)
        Items at level ``sigma_t``.
    sigma_t, sigma_tn : Tensor of shape (n,)
        Level now and level at which the item was given, ``0 <= sigma_tn <= sigma_t``.

    Returns
    -------
    Tensor of shape (n, ...)
        Estimates of :math:`E[x_{t_n}\mid x_t]`.

    Raises
    ------
    TypeError, ValueError
        If shapes disagree or levels are out of range.
    """
    _check(x_t, sigma_tn, sigma_t, x0_pred)
    return _ve_to_ve(x0_pred, x_t, sigma_t, sigma_tn)


def _ve_to_ve(x0_pred: Items, x_t: Items, sigma_t: Levels, sigma_tn: Levels) -> Items:
    share = _rows((sigma_tn / sigma_t).square(), x_t)
    # Eq. (3)
    return (1 - share) * x0_pred + share * x_t


def diffuse(
    x_tn: Items,
    sigma_tn: Levels,
    sigma: Levels,
    generator: int | torch.Generator | None = None,
) -> Items:
    """Add what is missing from level ``sigma_tn`` to ``sigma``, Eq. (2); never the noise again."""
    _check(x_tn, sigma_tn, sigma)
    return _diffuse(x_tn, sigma_tn, sigma, as_generator(generator, x_tn.device))


def _diffuse(x_tn: Items, sigma_tn: Levels, sigma: Levels, generator: torch.Generator) -> Items:
    z = torch.randn(x_tn.shape, generator=generator, dtype=x_tn.dtype, device=x_tn.device)
    # Eq. (2)
    return x_tn + _rows((sigma.square() - sigma_tn.square()).clamp(min=0).sqrt(), x_tn) * z


def ambient_loss(
    denoiser: Denoiser,
    x_tn: Items,
    sigma_tn: Levels,
    sigma: Levels | None = None,
    sigma_data: float = 0.5,
    generator: int | torch.Generator | None = None,
) -> Float[Tensor, ""]:
    r"""Weighted squared error of predicting the items as they were given, Eq. (4).

    Its minimiser over all functions is :math:`E[x_0\mid x_t]` at every level above the items' own.

    Parameters
    ----------
    denoiser : callable
        ``denoiser(x_t, sigma)`` estimates the clean items.
    x_tn : Tensor of shape (n, ...)
        Items as given: each holds one fixed draw of noise.
    sigma_tn : Tensor of shape (n,)
        Level of that noise; 0 for clean items.
    sigma : Tensor of shape (n,), optional
        Levels to train at, at least ``sigma_tn``. Default: log-normal draws, Eq. (7), clamped at
        ``sigma_tn`` as in the official code; a clamped draw has no gradient.
    sigma_data : float
        Standard deviation of a coordinate of the clean data.
    generator : int, torch.Generator or None

    Returns
    -------
    Tensor of shape ()
        Mean over items of the sum over coordinates.

    Raises
    ------
    TypeError, ValueError
        If shapes disagree or levels are out of range.
    """
    check_number(sigma_data, "sigma_data", low=0, low_open=True)
    _check(x_tn, sigma_tn, sigma)
    generator = as_generator(generator, x_tn.device)
    if sigma is None:
        drawn = log_normal_levels(len(x_tn), generator=generator).to(x_tn.dtype)
        sigma = torch.maximum(drawn, sigma_tn)
    return loss_at(denoiser, x_tn, sigma_tn, sigma, sigma_data, generator)


def loss_at(
    denoiser: Denoiser,
    x_tn: Items,
    sigma_tn: Levels,
    sigma: Levels,
    sigma_data: float,
    generator: torch.Generator,
) -> Float[Tensor, ""]:
    """The ambient loss without checks, for a training loop."""
    x_t = _diffuse(x_tn, sigma_tn, sigma, generator)
    prediction = _ve_to_ve(denoiser(x_t, sigma), x_t, sigma, sigma_tn)
    # Eq. (4)
    errors = (prediction - x_tn).square().flatten(1).sum(1)
    return (edm_weight(sigma, sigma_data) * errors).mean()


def consistency_loss(
    denoiser: Denoiser,
    x_t: Items,
    sigma: Levels,
    sigma_prime: Levels,
    n_samples: int = 6,
    n_steps: int = 6,
    *,
    unbiased: bool = False,
    generator: int | torch.Generator | None = None,
) -> Float[Tensor, ""]:
    r"""How far the estimate at one level is from the mean estimate at a lower one, Eq. (8).

    For the true denoiser :math:`E[h(x_{t'},\sigma')\mid x_t] = h(x_t,\sigma)`, where :math:`x_{t'}`
    is drawn by the model's own reverse SDE. The gradient passes through the sampler.

    Parameters
    ----------
    denoiser : callable
    x_t : Tensor of shape (n, ...)
        Items at level ``sigma``.
    sigma, sigma_prime : Tensor of shape (n,)
        With ``0 < sigma_prime <= sigma``.
    n_samples, n_steps : int
        Draws of :math:`x_{t'}` for each item, and steps of the SDE for each draw.
    unbiased : bool
        The square of a mean over P draws is too large by 1/P of their variance, which punishes any
        denoiser that tells details apart. True takes products of different draws instead; the value
        may then be below zero. Needs two draws.
    generator : int, torch.Generator or None

    Returns
    -------
    Tensor of shape ()
        Mean over items of the sum over coordinates.

    Raises
    ------
    TypeError, ValueError
        If shapes disagree or an argument is out of range.
    """
    P = check_integer(n_samples, "n_samples", low=2 if unbiased else 1)
    check_integer(n_steps, "n_steps", low=1)
    _check(x_t, sigma_prime, sigma, names=("x_t", "sigma_prime", "sigma"))
    start, high, low = (v.repeat_interleave(P, 0) for v in (x_t, sigma, sigma_prime))
    x_prime = reverse_sde(denoiser, start, high, low, n_steps, generator)
    estimates = denoiser(x_prime, low).unflatten(0, (len(x_t), P)).flatten(2)
    gaps = estimates - denoiser(x_t, sigma).flatten(1)[:, None]
    # Eq. (8)
    square = gaps.mean(1).square().sum(1)
    if unbiased:
        square = (P * square - gaps.square().sum(2).mean(1)) / (P - 1)
    return square.mean()


def _rows(levels: Tensor, like: Tensor) -> Tensor:
    return levels.view(-1, *[1] * (like.ndim - 1))


def _check(
    x: Tensor,
    low: Tensor,
    high: Tensor | None = None,
    also: Tensor | None = None,
    names: tuple[str, str, str] = ("x_tn", "sigma_tn", "sigma"),
) -> None:
    """Refuse items and levels of wrong kind or shape, and levels out of order."""
    tensors = {names[0]: x, names[1]: low, names[2]: high, "x0_pred": also}
    for name, value in tensors.items():
        if value is not None and not (isinstance(value, Tensor) and value.is_floating_point()):
            raise TypeError(f"{name} must be a floating-point tensor, got {type(value).__name__}")
    if x.ndim < 2 or not len(x):
        raise ValueError(f"{names[0]} must have shape (n, ...), n >= 1, got {tuple(x.shape)}")
    if also is not None and also.shape != x.shape:
        raise ValueError(f"x0_pred must have shape {tuple(x.shape)}, got {tuple(also.shape)}")
    for name, value in ((names[1], low), (names[2], high)):
        if value is not None and value.shape != (len(x),):
            raise ValueError(f"{name} must have shape ({len(x)},), got {tuple(value.shape)}")
    if not ((low >= 0) & torch.isfinite(low)).all():
        raise ValueError(f"{names[1]} must be finite and >= 0, got a least value of {low.min()}")
    if high is not None and not ((high >= low) & (high > 0) & torch.isfinite(high)).all():
        raise ValueError(f"{names[2]} must be finite, positive and at least {names[1]} in each row")
