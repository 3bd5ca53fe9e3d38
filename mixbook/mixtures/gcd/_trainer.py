"""The full loop: E-step on the features of an encoder, M-step on the encoder."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator
from torch import Tensor, nn
from torch.nn import functional as F

from mixbook.core.progress import trange
from mixbook.core.seeds import as_generator, as_rng, pick_device
from mixbook.core.validation import check_integer, check_number
from mixbook.mixtures.gcd._checks import as_labels
from mixbook.mixtures.gcd._estimator import GPC, unit_rows
from mixbook.mixtures.gcd._kmeans import group_sums
from mixbook.mixtures.gcd._losses import gpc_loss, prototype_concentration

__all__ = ["GPCTrainer", "augment_images", "small_encoder", "small_head"]

Images = Float[Tensor, "n c h w"]


def small_encoder(
    shape: tuple[int, int, int] = (1, 28, 28), width: int = 32, dim: int = 128
) -> nn.Sequential:
    """Two or three convolutions with pooling, and a linear layer to ``dim`` features.

    Parameters
    ----------
    shape : (channels, height, width)
        Images of 28 x 28 pixels get the layers of the paper's scaled-down setting (1600 numbers
        before the linear layer); smaller ones are padded, larger ones get a third convolution.
    width : int
        Channels of the first convolution; each later one doubles them.
    dim : int
    """
    channels, height, _ = shape
    blocks = 3 if height >= 32 else 2
    pad = 1 if height < 28 or height >= 32 else 0
    layers: list[nn.Module] = []
    for i in range(blocks):
        out = width * 2**i
        layers += [nn.Conv2d(channels, out, 3, padding=pad), nn.ReLU(), nn.MaxPool2d(2)]
        channels = out
    body = nn.Sequential(*layers, nn.Flatten())
    with torch.no_grad():
        flat = body(torch.zeros(1, *shape)).shape[1]
    return body.append(nn.Linear(flat, dim))


def small_head(dim: int = 128, out: int = 64) -> nn.Sequential:
    """Projection head of two linear layers, in whose output the contrastive losses are taken."""
    return nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, out))


def augment_images(
    images: Images,
    generator: torch.Generator,
    *,
    shift: float = 2.0,
    degrees: float = 10.0,
    noise: float = 0.1,
    flip: bool = False,
) -> Images:
    """Shift by up to so many pixels, turn by up to so many degrees, mirror, and add noise.

    Pixels from outside are zero. Each image has its own draw.
    """
    n, _, h, w = images.shape
    draw = 2 * torch.rand(3, n, generator=generator, device=images.device) - 1
    angle = draw[0] * math.radians(degrees)
    cos, sin = angle.cos(), angle.sin()
    sign = torch.ones_like(cos)
    if flip:
        coin = torch.rand(n, generator=generator, device=images.device) < 0.5
        sign = torch.where(coin, -sign, sign)
    # the grid runs from -1 to 1 along both sides, whatever their lengths
    x_row = [sign * cos, -sin * h / w, draw[1] * 2 * shift / w]
    y_row = [sign * sin * w / h, cos, draw[2] * 2 * shift / h]
    theta = torch.stack(x_row + y_row, dim=1).view(n, 2, 3)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, align_corners=False)
    dust = torch.randn(images.shape, generator=generator, device=images.device)
    return moved + noise * dust


class GPCTrainer(BaseEstimator):
    """Alternate between the mixture on the features and the training of the encoder.

    Each epoch after the warm-up begins with an E-step: features of all images, a :class:`GPC` on
    them that starts from the last number of components, prototypes and their concentration. The
    M-step is one epoch of stochastic gradients on Eq. (18).

    Parameters
    ----------
    encoder, head : torch.nn.Module
        Trained in place. The encoder's features, scaled to length one, are clustered and compared
        with prototypes; the head's projections of them go into the contrastive losses.
    augment : callable, optional
        ``augment(images, generator)`` returns a view; default :func:`augment_images`.
    init_k : int, optional
        Components in the first E-step, see :class:`GPC`.
    fixed_k : bool
        Keep ``init_k`` components: no split or merge moves.
    use_prototypes : bool
        False leaves out the prototypical loss, as the baseline does.
    epochs, warmup : int
        Epochs in all, and those of them before the first E-step.
    batch_size : int
        Half of each batch is labelled, on average.
    lr, lr_min, momentum, weight_decay : float
        Of stochastic gradients; the rate falls along a cosine from ``lr`` to ``lr_min``.
    supcon_weight, tau, supcon_temperature, tau_proto : float
        See :func:`gpc_loss` and :func:`prototype_concentration`.
    mixture : dict, optional
        Further arguments of :class:`GPC`; by default ``{"pca_dim": "auto"}``.
    random_state : int or None
    device : str
    progress : bool

    Attributes
    ----------
    prototypes_ : array of shape (K, d)
        Of the last E-step, made on the final features; the classes' come first.
    classes_, labels_u_, n_classes_
        As in :class:`GPC`.
    k_history_ : list of int
        Components after each E-step.
    losses_ : list of float
        Mean loss of each epoch.
    """

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        augment: Callable[[Tensor, torch.Generator], Tensor] | None = None,
        *,
        init_k: int | None = None,
        fixed_k: bool = False,
        use_prototypes: bool = True,
        epochs: int = 15,
        warmup: int = 1,
        batch_size: int = 256,
        lr: float = 0.1,
        lr_min: float = 1e-4,
        momentum: float = 0.9,
        weight_decay: float = 5e-5,
        supcon_weight: float = 0.35,
        tau: float = 1.0,
        supcon_temperature: float = 0.07,
        tau_proto: float = 1.0,
        mixture: dict[str, Any] | None = None,
        random_state: Any = None,
        device: str = "cpu",
        progress: bool = False,
    ) -> None:
        self.encoder = encoder
        self.head = head
        self.augment = augment
        self.init_k = init_k
        self.fixed_k = fixed_k
        self.use_prototypes = use_prototypes
        self.epochs = epochs
        self.warmup = warmup
        self.batch_size = batch_size
        self.lr = lr
        self.lr_min = lr_min
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.supcon_weight = supcon_weight
        self.tau = tau
        self.supcon_temperature = supcon_temperature
        self.tau_proto = tau_proto
        self.mixture = mixture
        self.random_state = random_state
        self.device = device
        self.progress = progress

    def fit(self, X_u: Any, X_l: Any, y_l: Any) -> GPCTrainer:
        """Train the encoder on unlabelled and labelled images.

        The same as :meth:`warm_up` and then :meth:`resume`.

        Parameters
        ----------
        X_u, X_l : array-like of shapes (n, c, h, w) and (m, c, h, w)
        y_l : array-like of shape (m,)

        Raises
        ------
        TypeError, ValueError
            If the input is malformed.
        FloatingPointError
            If the loss stops being finite.
        """
        return self.warm_up(X_u, X_l, y_l).resume()

    def warm_up(self, X_u: Any, X_l: Any, y_l: Any) -> GPCTrainer:
        """Train with the baseline's losses, up to the first E-step.

        Copies (``copy.deepcopy``) of what comes back differ in nothing until they are resumed, with
        other parameters if one likes: this is how to compare what the prototypes do. Arguments and
        errors as in :meth:`fit`.
        """
        self._check()
        unlabelled, labelled = _as_images(X_u, "X_u"), _as_images(X_l, "X_l")
        if unlabelled.shape[1:] != labelled.shape[1:]:
            shapes = f"{tuple(unlabelled.shape)} and {tuple(labelled.shape)}"
            raise ValueError(f"X_u and X_l must hold images of one shape, got {shapes}")
        self._y_l = as_labels(y_l, "y_l", len(labelled))
        self.classes_, codes = np.unique(self._y_l, return_inverse=True)
        self._place = pick_device(self.device)
        images = torch.cat([unlabelled, labelled]).to(self._place)
        self._labels = torch.full((len(images),), -1, device=self._place)
        self._labels[len(unlabelled) :] = torch.as_tensor(codes, device=self._place)
        self._begin(images)
        self._train_until(min(self.warmup, self.epochs))
        return self

    def resume(self) -> GPCTrainer:
        """Train from where :meth:`warm_up` stopped to the end, and make the last E-step."""
        if not hasattr(self, "losses_"):
            raise ValueError("this GPCTrainer has nothing to resume; call warm_up or fit first")
        self._check()
        self._train_until(self.epochs)
        self._e_step()
        return self

    def features(self, X: Any) -> Float[np.ndarray, "n d"]:
        """Features of images, of length one, without augmentation."""
        images = _as_images(X, "X").to(next(self.encoder.parameters()).device)
        return self._features(images).cpu().numpy().astype(np.float64)

    def predict(self, X: Any) -> Int[np.ndarray, " n"]:
        """Nearest prototype (by cosine) of each image; class c owns prototype c."""
        if not hasattr(self, "prototypes_"):
            raise ValueError("this GPCTrainer is not fitted yet; call fit first")
        return (self.features(X) @ self.prototypes_.T).argmax(1)

    def _check(self) -> None:
        check_integer(self.epochs, "epochs", low=1)
        check_integer(self.warmup, "warmup", low=0)
        check_integer(self.batch_size, "batch_size", low=2)
        for name in ("lr", "tau", "supcon_temperature", "tau_proto"):
            check_number(getattr(self, name), name, low=0, low_open=True)
        check_number(self.supcon_weight, "supcon_weight", low=0, high=1)
        if self.fixed_k and self.init_k is None:
            raise ValueError("fixed_k needs init_k, the number of components to keep")

    def _begin(self, images: Tensor) -> None:
        """Everything that training carries from one epoch to the next."""
        self._images = images
        self.encoder.to(self._place).train()
        self.head.to(self._place).train()
        self._rng = as_rng(self.random_state)
        self._generator = as_generator(int(self._rng.integers(2**31)), self._place)
        parameters = [*self.encoder.parameters(), *self.head.parameters()]
        self._optimiser = torch.optim.SGD(
            parameters, self.lr, momentum=self.momentum, weight_decay=self.weight_decay
        )
        self.k_history_: list[int] = []
        self.losses_: list[float] = []
        self.n_classes_ = self.init_k

    def _train_until(self, stop: int) -> None:
        start = len(self.losses_)
        quiet = not self.progress or start >= stop
        for epoch in trange(start, stop, desc="epochs", disable=quiet, leave=False):
            self._optimiser.param_groups[0]["lr"] = self._rate(epoch)
            prototypes = target = None
            if self.use_prototypes and epoch >= self.warmup:
                prototypes, target = self._e_step()
            self.losses_.append(self._m_step(prototypes, target))

    def _rate(self, epoch: int) -> float:
        """The learning rate falls along half a cosine."""
        share = (1 + math.cos(math.pi * epoch / self.epochs)) / 2
        return self.lr_min + (self.lr - self.lr_min) * share

    def assign(self, Z: Float[np.ndarray, "n d"]) -> Int[np.ndarray, " n"]:
        """Component of each image, unlabelled ones first, from their features.

        This is the E-step. It starts from the last number of components and stores the new one;
        override it to try another clustering.
        """
        n = len(Z) - len(self._y_l)
        options = {"pca_dim": "auto"} | (self.mixture or {})
        options |= {"rounds": 0} if self.fixed_k else {}
        k = self.init_k if self.fixed_k else self.n_classes_
        mixture = GPC(k, normalize="l2", random_state=self._rng, **options)
        mixture.fit(Z[:n], Z[n:], self._y_l)
        self.n_classes_, self.labels_u_ = mixture.n_classes_, mixture.labels_u_
        return np.concatenate([mixture.labels_u_, mixture.labels_l_])

    def _e_step(self) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """Prototypes with their concentration, and the component of each image."""
        Z = self._features(self._images).cpu().numpy().astype(np.float64)
        target = self.assign(Z)
        sums, counts = group_sums(Z, target, int(target.max()) + 1)
        self.prototypes_ = unit_rows(sums / np.maximum(counts, 1)[:, None])
        self.k_history_.append(len(self.prototypes_))
        phi = prototype_concentration(Z, self.prototypes_, target, self.tau_proto)
        on_device: dict[str, Any] = {"dtype": torch.float32, "device": self._place}
        prototypes = torch.as_tensor(self.prototypes_, **on_device), phi.to(**on_device)
        return prototypes, torch.as_tensor(target, device=self._place)

    def _m_step(self, prototypes: tuple[Tensor, Tensor] | None, target: Tensor | None) -> float:
        """One epoch of stochastic gradients; the mean loss."""
        images, generator = self._images, self._generator
        augment = self.augment or augment_images
        labelled = self._labels >= 0
        weights = torch.where(labelled, 1 / labelled.sum(), 1 / (~labelled).sum())
        batch = min(self.batch_size, len(images))
        n_steps = max(1, len(images) // batch)
        losses = torch.empty(n_steps, device=images.device)
        for step in range(n_steps):
            at = torch.multinomial(weights, batch, replacement=True, generator=generator)
            views = torch.cat([augment(images[at], generator) for _ in range(2)])
            features = self.encoder(views)
            loss = gpc_loss(
                F.normalize(features, dim=1),
                F.normalize(self.head(features), dim=1),
                self._labels[at],
                labelled[at],
                prototypes,
                None if target is None else target[at],
                supcon_weight=self.supcon_weight,
                tau=self.tau,
                supcon_temperature=self.supcon_temperature,
            )
            self._optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self._optimiser.step()
            losses[step] = loss.detach()
        mean = float(losses.mean())
        if not math.isfinite(mean):
            raise FloatingPointError("the loss is not finite any more; try a smaller lr")
        return mean

    @torch.no_grad()
    def _features(self, images: Tensor) -> Float[Tensor, "n d"]:
        mode = self.encoder.training
        self.encoder.eval()
        parts = [F.normalize(self.encoder(part), dim=1) for part in images.split(1024)]
        self.encoder.train(mode)
        return torch.cat(parts)


def _as_images(X: Any, name: str) -> Tensor:
    images = torch.as_tensor(X if isinstance(X, Tensor) else np.asarray(X)).float()
    if images.ndim != 4 or len(images) == 0:
        raise ValueError(f"{name} must have shape (n, c, h, w), got {tuple(images.shape)}")
    if not torch.isfinite(images).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return images
