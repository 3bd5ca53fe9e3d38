"""The whole method, and baselines that are trained in the same way."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.mixtures.llp_bp._bags import bag_order
from mixbook.mixtures.llp_bp._checks import as_bags, as_labels, as_points, as_vector
from mixbook.mixtures.llp_bp._losses import aggregate_loss, dllp_loss, easyllp_loss
from mixbook.mixtures.llp_bp._networks import (
    BagNetwork,
    Batch,
    Schedule,
    check_widths,
    embed,
    log_odds,
    train,
)
from mixbook.mixtures.llp_bp._propagation import bp_bags

__all__ = ["LLPBP", "BagClassifier", "pseudo_labels", "select_best"]

HIDDEN = (256, 128, 64)


def pseudo_labels(
    marginals: Any, tau: float | str, bag_id: Any, bag_count: Any
) -> Float[np.ndarray, " n"]:
    """Labels to train on, from marginals.

    Parameters
    ----------
    marginals : array-like of shape (n,)
        Or anything that ranks the instances, if ``tau`` is "count".
    tau : float or {"count", "soft"}
        A threshold, Eq. (13); "count" gives the label 1 to as many instances of a bag as its
        count says, those with the largest marginals; "soft" keeps the marginals as they are.
    bag_id, bag_count
        As in :func:`~mixbook.mixtures.llp_bp.log_gibbs`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range.
    """
    ids, counts = as_bags(bag_id, bag_count)
    q = as_vector(marginals, "marginals", len(ids))
    tau = _check_tau(tau)
    if tau == "soft":
        return q
    if tau == "count":
        order = np.lexsort((-q, ids))
        _, start = bag_order(ids)
        rank = np.empty(len(ids), np.int64)
        rank[order] = np.arange(len(ids)) - start[ids[order]]
        return (rank < np.round(counts)[ids]).astype(np.float64)
    # Eq. (13)
    return (q >= tau).astype(np.float64)


class _BagModel(ClassifierMixin, BaseEstimator):
    """What all classifiers here share: a trained network, and how it is asked."""

    net_: BagNetwork
    n_features_in_: int

    def decision_function(self, X: Any) -> Float[np.ndarray, " n"]:
        """Log-odds of label 1."""
        check_is_fitted(self, "net_")
        X = as_points(X, n_columns=self.n_features_in_)
        return log_odds(self.net_, torch.from_numpy(X)).astype(np.float64)

    def predict_proba(self, X: Any) -> Float[np.ndarray, "n 2"]:
        """Probabilities of the labels 0 and 1."""
        p = expit(self.decision_function(X))
        return np.stack([1 - p, p], axis=1)

    def predict(self, X: Any) -> Int[np.ndarray, " n"]:
        """1 where that is the likelier label."""
        return (self.decision_function(X) >= 0).astype(np.int64)

    def score(self, X: Any, y: Any, metric: str = "auc") -> float:
        """Area under the ROC curve, or ``metric="accuracy"``."""
        check_choice(metric, "metric", ("auc", "accuracy"))
        values = self.decision_function(X)
        y = as_labels(y, len(values))
        if metric == "accuracy":
            return float(accuracy_score(y, values >= 0))
        return float(roc_auc_score(y, values))

    def _train(
        self,
        X: np.ndarray,
        bags: tuple[np.ndarray, np.ndarray],
        loss: Callable[[BagNetwork, Batch, Tensor, Tensor], Tensor],
        validation: tuple[np.ndarray, np.ndarray] | None,
        rng: np.random.Generator,
    ) -> BagNetwork:
        p = self.get_params()
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        net = BagNetwork(X.shape[1], p["hidden"], generator)
        schedule = Schedule(
            *(p[k] for k in ("lr", "weight_decay", "batch_size", "max_epochs", "patience"))
        )
        held = None if validation is None else (torch.from_numpy(validation[0]), validation[1])
        self.val_auc_ = train(
            net, torch.from_numpy(X), lambda *args: loss(net, *args), *bags, schedule, rng, held
        )
        return net


class LLPBP(_BagModel):
    """Learning from label proportions by belief propagation.

    Each round: a graph of neighbours in the current covariates, belief propagation, pseudo-labels,
    and a new network trained on them from the *original* covariates; its embedding is the
    covariates of the next round, and the last network is the classifier.

    Parameters
    ----------
    k : int
        Neighbours.
    lam_sim, lam_bag : float
        Weights of neighbours and counts in Eq. (1). The authors' code has 10 and 10, with which
        belief propagation on pairs need not settle.
    tau : float or {"count", "soft"}
        See :func:`pseudo_labels`.
    rounds : int
        Rounds of belief propagation and training; the authors' code has 2.
    hidden : sequence of int
        Widths of the network, see :class:`BagNetwork`.
    lam_agg : float
        Weight of the bags' proportions in the training loss, Eq. (14).
    lr, weight_decay : float
        Of AdamW.
    max_epochs, patience : int
        With validation data, training stops ``patience`` epochs after the best one.
    batch_size : int
        Instances a batch, in whole bags.
    method : {"cardinality", "pairwise"}
        How bags enter belief propagation; "pairwise" is the paper's.
    start : {"ising", "zero"}
        First messages, see :func:`bp_marginals`; "zero" is that of the authors' code.
    edge_rule : {"all", "low_count"}
    length : float
        Of the kernel; see :func:`bp_bags` for both.
    n_iter, damping
        Of belief propagation; it stops earlier where no message moves by more than 1e-6.
    random_state : int, numpy.random.Generator or None

    Attributes
    ----------
    marginals_ : list of float arrays of shape (n,)
        Of each round.
    log_odds_ : list of float arrays of shape (n,)
    residuals_ : list of float
        How far belief propagation was from a fixed point in each round.
    pseudo_labels_ : float array of shape (n,)
        Of the last round.
    embeddings_ : list of arrays of shape (n, e)
        Covariates of each round; the first are the original ones.
    val_auc_ : float
        Of the last network; NaN without validation data.
    """

    def __init__(
        self,
        k: int = 5,
        lam_sim: float = 1.0,
        lam_bag: float = 10.0,
        tau: float | str = 0.5,
        rounds: int = 2,
        hidden: Sequence[int] = HIDDEN,
        lam_agg: float = 0.1,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        max_epochs: int = 100,
        random_state: int | np.random.Generator | None = None,
        *,
        method: str = "cardinality",
        edge_rule: str = "all",
        length: float = 1.0,
        batch_size: int = 1024,
        patience: int = 4,
        n_iter: int = 100,
        damping: float = 0.5,
        start: str = "ising",
    ) -> None:
        self.k = k
        self.lam_sim = lam_sim
        self.lam_bag = lam_bag
        self.tau = tau
        self.rounds = rounds
        self.hidden = hidden
        self.lam_agg = lam_agg
        self.lr = lr
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.random_state = random_state
        self.method = method
        self.edge_rule = edge_rule
        self.length = length
        self.batch_size = batch_size
        self.patience = patience
        self.n_iter = n_iter
        self.damping = damping
        self.start = start

    def fit(
        self, X: Any, bag_id: Any, bag_count: Any, X_val: Any = None, y_val: Any = None
    ) -> "LLPBP":
        """Fit to instances whose labels are known as counts of bags.

        Parameters
        ----------
        X : array-like of shape (n, d)
        bag_id, bag_count
            As in :func:`~mixbook.mixtures.llp_bp.log_gibbs`.
        X_val, y_val : array-likes of shape (v, d) and (v,), optional
            Labelled instances, for early stopping only.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind, shape or range.
        """
        X, bags, validation = _check_fit(X, bag_id, bag_count, X_val, y_val)
        _check_schedule(self)
        _check_tau(self.tau)
        rounds = check_integer(self.rounds, "rounds", low=1)
        check_integer(self.k, "k", low=1, high=len(X) - 1)
        check_number(self.lam_agg, "lam_agg", low=0)
        rng = as_rng(self.random_state)
        self.n_features_in_, self.classes_ = X.shape[1], np.array([0, 1])
        self.embeddings_: list[np.ndarray] = []
        self.marginals_: list[np.ndarray] = []
        self.log_odds_: list[np.ndarray] = []
        self.residuals_: list[float] = []
        Z = X
        for _ in range(rounds):
            self.embeddings_.append(Z)
            self._infer(Z, bags)
            self.net_ = self._train(X, bags, self._loss(bags), validation, rng)
            Z = embed(self.net_, torch.from_numpy(X))
        return self

    def _infer(self, Z: np.ndarray, bags: tuple[np.ndarray, np.ndarray]) -> None:
        found = bp_bags(
            Z,
            *bags,
            self.lam_bag,
            self.lam_sim,
            self.method,
            k=self.k,
            edge_rule=self.edge_rule,
            length=self.length,
            n_iter=self.n_iter,
            damping=self.damping,
            start=self.start,
            tol=1e-6,
        )
        self.marginals_.append(found.marginals)
        self.log_odds_.append(found.log_odds)
        self.residuals_.append(found.residual)
        ranked = found.log_odds if self.tau == "count" else found.marginals
        self.pseudo_labels_ = pseudo_labels(ranked, self.tau, *bags)

    def _loss(self, bags: tuple[np.ndarray, np.ndarray]) -> Callable:
        labels = torch.from_numpy(self.pseudo_labels_.astype(np.float32))

        def loss(net: BagNetwork, batch: Batch, logits: Tensor, h: Tensor) -> Tensor:
            m = len(batch.bag_count)
            shares = batch.bag_count / torch.bincount(batch.bag_id, minlength=m)
            bag_logits = net.bags(h, batch.bag_id, m)
            return aggregate_loss(logits, labels[batch.index], bag_logits, shares, self.lam_agg)

        return loss


class BagClassifier(_BagModel):
    """The same network, trained by a loss on bags: a baseline.

    Parameters
    ----------
    loss : {"dllp", "easyllp"}
        Eq. (15) or Eq. (16). Bags of one instance make both the ordinary cross-entropy, hence a
        classifier with full supervision.
    hidden, lr, weight_decay, max_epochs, random_state, batch_size, patience
        As in :class:`LLPBP`.

    Attributes
    ----------
    val_auc_ : float
        Best AUC on the validation data; NaN without.
    """

    def __init__(
        self,
        loss: str = "dllp",
        hidden: Sequence[int] = HIDDEN,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        max_epochs: int = 100,
        random_state: int | np.random.Generator | None = None,
        *,
        batch_size: int = 1024,
        patience: int = 4,
    ) -> None:
        self.loss = loss
        self.hidden = hidden
        self.lr = lr
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.random_state = random_state
        self.batch_size = batch_size
        self.patience = patience

    def fit(
        self, X: Any, bag_id: Any, bag_count: Any, X_val: Any = None, y_val: Any = None
    ) -> "BagClassifier":
        """Fit to instances whose labels are known as counts of bags; see :meth:`LLPBP.fit`.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind, shape or range.
        """
        X, bags, validation = _check_fit(X, bag_id, bag_count, X_val, y_val)
        _check_schedule(self)
        check_choice(self.loss, "loss", ("dllp", "easyllp"))
        prior = float(bags[1].sum() / len(X))

        def loss(net: BagNetwork, batch: Batch, logits: Tensor, h: Tensor) -> Tensor:
            if self.loss == "dllp":
                return dllp_loss(logits, batch.bag_id, batch.bag_count)
            return easyllp_loss(logits, batch.bag_id, batch.bag_count, prior)

        self.n_features_in_, self.classes_ = X.shape[1], np.array([0, 1])
        self.net_ = self._train(X, bags, loss, validation, as_rng(self.random_state))
        return self


def select_best(
    models: Sequence[Any], X: Any, bag_id: Any, bag_count: Any, X_val: Any, y_val: Any
) -> Any:
    """Fit all models and hand on the one with the best validation AUC (the first among equals).

    Raises
    ------
    ValueError
        If there is no model or no validation data, or what ``fit`` raises.
    """
    if len(models) == 0:
        raise ValueError("models must not be empty")
    if X_val is None or y_val is None:
        raise ValueError("X_val and y_val must be given, as they decide")
    return max(
        (model.fit(X, bag_id, bag_count, X_val, y_val) for model in models),
        key=lambda model: model.val_auc_,
    )


def _check_fit(X: Any, bag_id: Any, bag_count: Any, X_val: Any, y_val: Any) -> tuple:
    X = as_points(X)
    bags = as_bags(bag_id, bag_count, len(X))
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val must be given together")
    if X_val is None:
        return X, bags, None
    X_val = as_points(X_val, "X_val", n_columns=X.shape[1])
    y_val = as_labels(y_val, len(X_val), "y_val")
    if y_val.min() == y_val.max():
        raise ValueError("y_val must hold both labels, got one")
    return X, bags, (X_val, y_val)


def _check_schedule(model: Any) -> None:
    check_number(model.lr, "lr", low=0, low_open=True)
    check_number(model.weight_decay, "weight_decay", low=0)
    for name in ("max_epochs", "batch_size", "patience"):
        check_integer(getattr(model, name), name, low=1)
    check_widths(model.hidden)


def _check_tau(tau: Any) -> float | str:
    if isinstance(tau, str):
        return check_choice(tau, "tau", ("count", "soft"))
    return check_number(tau, "tau", low=0, high=1)
