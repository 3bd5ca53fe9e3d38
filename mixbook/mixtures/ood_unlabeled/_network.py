"""RSS for a network: logistic loss, inner ascent on the points, outer Adam on the weights."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.nn.functional import softplus

from mixbook.core.seeds import as_generator, pick_device
from mixbook.core.training import minimise
from mixbook.core.validation import as_matrix, check_integer, check_number
from mixbook.mixtures.ood_unlabeled._linear import check_labels
from mixbook.mixtures.ood_unlabeled._losses import robust_loss

__all__ = ["RSSNet", "logistic_loss"]


def logistic_loss(module: torch.nn.Module, Z: Tensor, y: Tensor) -> Float[Tensor, " B"]:
    r"""Smooth stand-in for the 0-1 loss, Eq. (21): :math:`\log(1 + e^{-y f(Z)})`.

    Parameters
    ----------
    module : torch.nn.Module
        Maps (B, d) to one score a point, shape (B,) or (B, 1).
    Z : Tensor of shape (B, d)
    y : Tensor of shape (B,)
        -1 and +1.
    """
    score = module(Z)
    if score.shape not in ((len(Z),), (len(Z), 1)):
        raise ValueError(
            f"module must return one score a point, shape ({len(Z)},) or ({len(Z)}, 1), got "
            f"{tuple(score.shape)}"
        )
    # Eq. (21)
    return softplus(-y * score.reshape(-1))


class RSSNet(ClassifierMixin, BaseEstimator):
    r"""Robust self-supervised training of any differentiable classifier.

    The labelled term and the unlabelled one, Eq. (2), both with the logistic loss, the squared
    distance as cost and the ascent of `robust_loss` inside; an unlabelled point carries the label
    that the network gives it at that moment, Eq. (22).

    Parameters
    ----------
    module : torch.nn.Module
        Maps (B, d) to one score a point; it is copied, not changed. A module with batch
        normalisation is not suited, since the loss of a point would depend on the others.
    gamma, gamma_u : float
        Prices per squared unit; above half the curvature of the loss the inner problem is concave.
    lam : float
        Weight of the unlabelled term.
    n_steps : int
        Adam steps on the whole objective.
    warm_up : int
        Steps on the labelled term before: labels of an untrained network mean nothing.
    lr : float
    batch_size : int
        Most points of each kind in a step.
    inner_steps, inner_lr : int, float
        The ascent; 0 steps leave the robustness out (self-training inside the objective).
    weight_decay : float
        Of Adam's weights (decoupled).
    device : str
        "auto" takes the GPU where there is one.
    random_state : int, torch.Generator or None
        Draws the batches.
    progress : bool

    Attributes
    ----------
    module_ : torch.nn.Module
        The trained copy, in evaluation mode.
    objective_ : array of shape (warm_up + n_steps,)
        The minibatch objective of each step.
    classes_, n_features_in_
        As for `RSSLinear`.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        gamma: float = 1.0,
        gamma_u: float = 1.0,
        lam: float = 1.0,
        *,
        n_steps: int = 300,
        warm_up: int = 100,
        lr: float = 1e-3,
        batch_size: int = 128,
        inner_steps: int = 15,
        inner_lr: float = 0.1,
        weight_decay: float = 0.0,
        device: str = "cpu",
        random_state: int | torch.Generator | None = None,
        progress: bool = False,
    ) -> None:
        self.module = module
        self.gamma = gamma
        self.gamma_u = gamma_u
        self.lam = lam
        self.n_steps = n_steps
        self.warm_up = warm_up
        self.lr = lr
        self.batch_size = batch_size
        self.inner_steps = inner_steps
        self.inner_lr = inner_lr
        self.weight_decay = weight_decay
        self.device = device
        self.random_state = random_state
        self.progress = progress

    def fit(self, X: Any, y: Any, X_unlabelled: Any = None) -> RSSNet:
        """Train a copy of the network; arguments and errors as for `RSSLinear.fit`."""
        self._check()
        device = pick_device(self.device)
        X = as_matrix(X, "X", device=device)
        signs, self.classes_ = check_labels(y, len(X), both=True)
        signs = signs.to(X)
        U = None
        if X_unlabelled is not None:
            U = as_matrix(X_unlabelled, "X_unlabelled", n_columns=X.shape[1], device=device)
        self.module_ = copy.deepcopy(self.module).to(device).train()
        with torch.no_grad():
            logistic_loss(self.module_, X[:2], signs[:2])  # a wrong output shape ends it here
        self.n_features_in_ = X.shape[1]
        generator = as_generator(self.random_state)
        phases = [(self.warm_up, None), (self.n_steps, U if self.lam > 0 else None)]
        losses = [self._train(X, signs, points, n, generator) for n, points in phases if n]
        self.objective_ = np.concatenate(losses)
        self.module_.eval()
        return self

    def _train(
        self, X: Tensor, signs: Tensor, U: Tensor | None, steps: int, generator: torch.Generator
    ) -> np.ndarray:
        def loss() -> Tensor:
            rows = self._batch(len(X), generator)
            total = self.robust(X[rows], signs[rows], self.gamma)
            if U is None:
                return total
            points = U[self._batch(len(U), generator)]
            # Eq. (22)
            return total + self.lam * self.robust(points, self._own_labels(points), self.gamma_u)

        return minimise(
            loss,
            self.module_.parameters(),
            steps,
            lr=self.lr,
            optimiser=torch.optim.AdamW,
            progress=self.progress,
            description="RSS",
            weight_decay=self.weight_decay,
        )

    def robust(self, X: Tensor, signs: Tensor, gamma: float) -> Float[Tensor, ""]:
        """Mean robust loss of the current network on points with labels -1 and +1."""
        phi, _ = robust_loss(
            lambda Z, s: logistic_loss(self.module_, Z, s),
            X,
            signs,
            gamma,
            steps=self.inner_steps,
            lr=self.inner_lr,
        )
        return phi.mean()

    def _own_labels(self, points: Tensor) -> Tensor:
        with torch.no_grad():
            score = self.module_(points).reshape(-1)
        return torch.where(score >= 0, 1.0, -1.0).to(points)

    def _batch(self, n: int, generator: torch.Generator) -> Tensor | slice:
        if n <= self.batch_size:
            return slice(None)
        return torch.randint(n, (self.batch_size,), generator=generator)

    def decision_function(self, X: Any) -> Float[np.ndarray, " n"]:
        """Scores of the network, positive for the second class."""
        check_is_fitted(self, "module_")
        device = next(self.module_.parameters()).device
        table = as_matrix(X, "X", n_columns=self.n_features_in_, device=device)
        with torch.no_grad():
            return self.module_(table).reshape(-1).double().cpu().numpy()

    def predict(self, X: Any) -> Int[np.ndarray, " n"]:
        """The predicted labels, of the kind given to ``fit``."""
        score = self.decision_function(X)
        return self.classes_[(score >= 0).astype(int)]

    def _check(self) -> None:
        if not isinstance(self.module, torch.nn.Module):
            raise TypeError(f"module must be a torch.nn.Module, got {type(self.module).__name__}")
        if not any(p.requires_grad for p in self.module.parameters()):
            raise ValueError("module must have parameters to train, got none")
        for name in ("gamma", "gamma_u", "lam", "weight_decay"):
            check_number(getattr(self, name), name, low=0)
        for name in ("lr", "inner_lr"):
            check_number(getattr(self, name), name, low=0, low_open=True)
        for name, low in (("n_steps", 0), ("warm_up", 0), ("batch_size", 1), ("inner_steps", 0)):
            check_integer(getattr(self, name), name, low=low)
        if self.n_steps + self.warm_up == 0:
            raise ValueError("n_steps and warm_up must not both be 0")
