"""Training many subspace models at once: all seeds and all dimensions in one batch.

The members of a batch are independent: each has its own ``t`` (its own theta in direct training),
and the loss that is minimised is the sum of theirs. Seeds differ in theta_0, in P and in the
minibatches; the dimensions of one seed share its P, and dimension d uses the first d columns.
"""

import copy
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Num
from torch import Tensor, nn

from mixbook.core.seeds import as_generator, pick_device
from mixbook.core.training import minimise
from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.landscapes.intrinsic_dimension.projections import make_projection, project_each
from mixbook.landscapes.intrinsic_dimension.subspace import FlatNetwork

__all__ = ["Runs", "Training", "as_integers", "train_direct", "train_subspace"]

MakeModel = Callable[[int], nn.Module]
_EVALUATION_ROWS = 500


@dataclass(frozen=True)
class Runs:
    """What a batch of training runs gave; axis 0 is the dimension, axis 1 the seed.

    Attributes
    ----------
    d : list of int
        Trained numbers of each row (D in direct training).
    seeds : list of int
    D : int
        Number of parameters of the network.
    accuracy : ndarray of shape (n_d, n_seeds)
        Share of correct labels on the validation set.
    train_accuracy : ndarray of shape (n_d, n_seeds)
        The same on the training set.
    losses : ndarray of shape (n_steps,)
        Mean minibatch loss over all members, a step at a time.
    theta : Tensor of shape (n_d, n_seeds, D)
        Final parameters.
    networks : list of FlatNetwork
        The pure function of each seed: ``networks[s](theta[i, s], x)`` gives class scores.
    """

    d: list[int]
    seeds: list[int]
    D: int
    accuracy: np.ndarray
    train_accuracy: np.ndarray
    losses: np.ndarray
    theta: Tensor
    networks: list[FlatNetwork]

    def predict(
        self, X: Float[Tensor, "n *shape"], row: int = 0, seed: int = 0
    ) -> Int[Tensor, " n"]:
        """Labels that one member gives to ``X``: row of ``d``, position in ``seeds``."""
        network, theta = self.networks[seed], self.theta[row, seed]
        with torch.no_grad():
            parts = [network(theta, x.to(theta)) for x in X.split(_EVALUATION_ROWS)]
        return torch.cat(parts).argmax(-1)


@dataclass(frozen=True)
class Training:
    """How each run is trained; direct training and subspaces take the same settings.

    Parameters
    ----------
    n_steps, batch_size : int
        Steps of the optimiser, and rows that each one sees (drawn with replacement).
    lr : float
        Step size. On t: a column of P has unit length, so a step of ``lr`` in one ``t_i`` moves
        theta by ``lr`` in all; use 1e-2 to 1e-1 with Adam, more than direct training takes.
    halvings : int
        How many times lr is halved, at equal intervals (the paper: up to 5).
    optimiser : callable
        A class of ``torch.optim``.
    l2 : float
        Weight of the squared entries of the *full* weights, Eq. (12), biases left out.
    device : str
        ``"auto"`` takes a GPU where there is one.
    progress : bool
        Show a progress bar.

    Raises
    ------
    TypeError, ValueError
        If a setting is out of range; the message names it.
    """

    n_steps: int = 600
    batch_size: int = 128
    lr: float = 3e-2
    halvings: int = 5
    optimiser: Callable[..., torch.optim.Optimizer] = torch.optim.Adam
    l2: float = 0.0
    device: str = "auto"
    progress: bool = True

    def __post_init__(self) -> None:
        check_integer(self.n_steps, "n_steps", low=1)
        check_integer(self.batch_size, "batch_size", low=1)
        check_number(self.lr, "lr", low=0, low_open=True)
        check_integer(self.halvings, "halvings", low=0)
        check_number(self.l2, "l2", low=0)


def train_subspace(
    make_model: MakeModel | nn.Module,
    X: Num[Tensor | np.ndarray, "n *shape"],
    y: Num[Tensor | np.ndarray, " n"],
    X_val: Any = None,
    y_val: Any = None,
    *,
    d: int | Sequence[int],
    seed: int | Sequence[int] = 0,
    projection: str = "dense",
    **options: Any,
) -> Runs:
    """Train a classifier in random subspaces: one run for each ``d`` and each ``seed``.

    Parameters
    ----------
    make_model : callable or nn.Module
        ``make_model(seed)`` returns the network whose parameters are theta_0. A module is theta_0
        for every seed; it is copied and left alone.
    X : Tensor of shape (n, ...)
        Training inputs.
    y : Tensor of shape (n,)
        Labels 0..n_classes-1.
    X_val, y_val
        Validation set; default: the training set.
    d : int or sequence of int
        Dimensions of the subspace, each between 1 and D.
    seed : int or sequence of int
        One run each; a seed sets theta_0, P and the minibatches.
    projection : {"dense", "sparse", "fastfood"}
    **options
        Settings of :class:`Training`: n_steps, batch_size, lr, halvings, optimiser, l2, device,
        progress.

    Returns
    -------
    Runs

    Raises
    ------
    TypeError, ValueError
        If the data is not finite, shapes do not fit, a label is negative, or a setting is unknown
        or out of range; the message names the argument.
    """
    dims, seeds, how = as_integers(d, "d", 1), as_integers(seed, "seed", 0), Training(**options)
    check_choice(projection, "projection", ("dense", "sparse", "fastfood"))
    data, networks = _prepare(make_model, (X, y, X_val, y_val), seeds, how)
    D, sizes, top, where = networks[0].D, networks[0].sizes, max(dims), data.X.device
    check_integer(top, "d", high=D)
    maps = [make_projection(projection, D, top, s, sizes).to(where) for s in seeds]
    # d of a row = how many of the columns it may use
    used = torch.tensor([[float(j < k) for j in range(top)] for k in dims], device=where)
    t = torch.zeros(len(seeds), len(dims), top, device=where, requires_grad=True)
    theta0 = torch.stack([n.theta0 for n in networks])[:, None]

    def theta() -> Tensor:
        # Eq. (2), for all seeds and dimensions
        return theta0 + project_each(maps, t * used)

    return _train(networks, t, theta, data, dims, seeds, how)


def train_direct(
    make_model: MakeModel | nn.Module,
    X: Num[Tensor | np.ndarray, "n *shape"],
    y: Num[Tensor | np.ndarray, " n"],
    X_val: Any = None,
    y_val: Any = None,
    *,
    seed: int | Sequence[int] = 0,
    lr: float = 1e-3,
    **options: Any,
) -> Runs:
    """The baseline: train all D parameters. Arguments as in :func:`train_subspace`."""
    seeds, how = as_integers(seed, "seed", 0), Training(lr=lr, **options)
    data, networks = _prepare(make_model, (X, y, X_val, y_val), seeds, how)
    full = torch.stack([n.theta0 for n in networks])[:, None].requires_grad_()
    return _train(networks, full, lambda: full, data, [networks[0].D], seeds, how)


@dataclass(frozen=True)
class _Data:
    X: Tensor
    y: Tensor
    X_val: Tensor
    y_val: Tensor


def _prepare(
    make_model: MakeModel | nn.Module,
    arrays: tuple[Any, Any, Any, Any],
    seeds: list[int],
    how: Training,
) -> tuple[_Data, list[FlatNetwork]]:
    """Checked data and the networks of all seeds, on the device."""
    where = pick_device(how.device)
    data = _check_data(*arrays, where)
    return data, [_network(make_model, s, where) for s in seeds]


def _train(
    networks: list[FlatNetwork],
    parameter: Tensor,
    theta: Callable[[], Tensor],
    data: _Data,
    dims: list[int],
    seeds: list[int],
    how: Training,
) -> Runs:
    """Minimise the summed loss over ``parameter`` and measure each member."""
    members = len(seeds) * len(dims)
    batches = [as_generator(s) for s in seeds]

    def loss() -> Tensor:
        rows = _draw_rows(len(data.y), how.batch_size, batches).to(data.y.device)
        full = theta()
        logits = _logits(networks[0], full, data.X[rows])
        labels = data.y[rows][:, None].expand(logits.shape[:3])
        total = nn.functional.cross_entropy(logits.flatten(0, 2), labels.flatten(), reduction="sum")
        # Eq. (12): the penalty is on the full parameters, not on t
        penalty = how.l2 * (networks[0].is_weight * full**2).sum() if how.l2 else 0.0
        return total / how.batch_size + penalty

    losses = minimise(
        loss,
        [parameter],
        how.n_steps,
        lr=how.lr,
        optimiser=_with_halvings(how),
        progress=how.progress,
    )
    final = theta().detach()
    train, val = (
        _accuracy(networks[0], final, X, y).T.double().cpu().numpy()
        for X, y in ((data.X, data.y), (data.X_val, data.y_val))
    )
    return Runs(
        dims, seeds, networks[0].D, val, train, losses / members, final.transpose(0, 1), networks
    )


def _with_halvings(how: Training) -> Callable[..., torch.optim.Optimizer]:
    """The optimiser class, with a step size that is halved at equal intervals."""
    at = {-(-how.n_steps * k // (how.halvings + 1)) for k in range(1, how.halvings + 1)}

    def build(parameters: Any, **options: Any) -> torch.optim.Optimizer:
        optimiser, steps = how.optimiser(parameters, **options), itertools.count(1)

        def halve(*_: Any) -> None:
            if next(steps) in at:
                for group in optimiser.param_groups:
                    group["lr"] *= 0.5

        optimiser.register_step_post_hook(halve)
        return optimiser

    return build


def _logits(
    network: FlatNetwork, theta: Float[Tensor, "seeds d D"], x: Float[Tensor, "seeds n *shape"]
) -> Float[Tensor, "seeds d n classes"]:
    """Class scores of all members; the dimensions of one seed see the same inputs."""
    inputs = x[:, None].expand(*theta.shape[:2], *x.shape[1:])
    scores = network.members(theta.flatten(0, 1), inputs.flatten(0, 1))
    return scores.unflatten(0, theta.shape[:2])


@torch.no_grad()
def _accuracy(network: FlatNetwork, theta: Tensor, X: Tensor, y: Tensor) -> Tensor:
    """Share of correct labels of each member, shape (n_seeds, n_d)."""
    hits = torch.zeros(theta.shape[:2], device=y.device)
    for x, labels in zip(X.split(_EVALUATION_ROWS), y.split(_EVALUATION_ROWS)):
        scores = _logits(network, theta, x.expand(len(theta), *x.shape))
        hits += (scores.argmax(-1) == labels).sum(-1)
    return hits / len(y)


def _draw_rows(n: int, size: int, generators: list[torch.Generator]) -> Tensor:
    """Row numbers of the next minibatch of each seed, drawn with replacement."""
    return torch.stack([torch.randint(n, (size,), generator=g) for g in generators])


def _network(make_model: MakeModel | nn.Module, seed: int, device: torch.device) -> FlatNetwork:
    if isinstance(make_model, nn.Module):
        return FlatNetwork(copy.deepcopy(make_model).to(device))
    if not callable(make_model):
        raise TypeError(
            "make_model must be a torch.nn.Module or a function seed -> torch.nn.Module, "
            f"got {type(make_model).__name__}"
        )
    return FlatNetwork(make_model(seed).to(device))


def as_integers(value: Any, name: str, low: int) -> list[int]:
    """A list of integers from one integer or a sequence of them."""
    if isinstance(value, str):
        raise TypeError(f"{name} must be an integer or a sequence of integers, got {value!r}")
    values = list(value) if isinstance(value, Sequence | np.ndarray | range) else [value]
    if not values:
        raise ValueError(f"{name} must hold at least one integer, got none")
    return [check_integer(v, name, low=low) for v in values]


def _check_data(X: Any, y: Any, X_val: Any, y_val: Any, device: torch.device) -> _Data:
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val must be given together, or neither")
    X, y = _check_xy(X, y, "X", "y", device)
    if X_val is None:
        return _Data(X, y, X, y)
    X_val, y_val = _check_xy(X_val, y_val, "X_val", "y_val", device)
    if X_val.shape[1:] != X.shape[1:]:
        raise ValueError(
            f"X_val must have rows of shape {tuple(X.shape[1:])} as X has, "
            f"got {tuple(X_val.shape[1:])}"
        )
    return _Data(X, y, X_val, y_val)


def _check_xy(
    X: Any, y: Any, x_name: str, y_name: str, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Finite inputs and whole non-negative labels of the same number, on the device."""
    X, y = _tensor(X, x_name), _tensor(y, y_name)
    if X.ndim < 2 or X.numel() == 0:
        raise ValueError(f"{x_name} must have shape (n, ...) with n >= 1, got {tuple(X.shape)}")
    if y.shape != X.shape[:1]:
        raise ValueError(
            f"{y_name} must have shape ({X.shape[0]},), one label a row, got {tuple(y.shape)}"
        )
    if not torch.isfinite(X).all():
        raise ValueError(f"{x_name} must be finite, got NaN or infinity")
    if y.is_floating_point() or int(y.min()) < 0:
        raise ValueError(f"{y_name} must hold integer labels 0..n_classes-1, got {y.dtype}")
    return X.to(device, torch.get_default_dtype()), y.to(device, torch.int64)


def _tensor(a: Any, name: str) -> Tensor:
    if isinstance(a, Tensor):
        return a
    array = np.asarray(a)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    return torch.from_numpy(np.ascontiguousarray(array))
