"""The estimators: flow matching without a context, with an index, with the embedded population."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from torch import Tensor
from torch.nn.functional import one_hot

from mixbook.core.progress import trange
from mixbook.core.seeds import as_generator, pick_device
from mixbook.core.transport import wasserstein_1
from mixbook.core.validation import as_matrix, check_choice, check_integer, check_number
from mixbook.flows.meta_flow_matching._encoder import PopulationEncoder, PopulationGraph
from mixbook.flows.meta_flow_matching._metrics import _as_pairs, _like
from mixbook.flows.meta_flow_matching._velocity import (
    VelocityNet,
    flow_matching_loss,
    integrate,
    ot_pairs,
)

__all__ = ["ConditionalFlowMatching", "FlowMatching", "MetaFlowMatching"]

Seed = int | torch.Generator | None


class FlowMatching(BaseEstimator):
    """One velocity field for all populations, blind to which population a point is from.

    Parameters
    ----------
    hidden, n_layers, skip, n_fourier, fourier_scale, t_dim
        Shape of the velocity network, see :class:`VelocityNet`.
    base : {"source", "gaussian"}
        Where paths start: at the source points, or at fresh N(0, I) points; with the latter a
        source population matters through its embedding alone.
    paired : bool
        Row i of a source belongs to row i of its target. Otherwise ends are drawn independently.
    ot : bool
        Draw ends by optimal transport within each population's part of the minibatch, Eq. (10),
        in place of either.
    max_steps : int
        Number of minibatches.
    batch_populations, batch_points : int
        Populations in a minibatch, and points of each. If all populations have just
        ``batch_points`` points, all are used; otherwise they are drawn with replacement.
    lr : float
        Learning rate of Adam.
    random_state : int, torch.Generator or None
    device : str or torch.device
    progress : bool
        Show a progress bar while fitting.

    Attributes
    ----------
    net_ : VelocityNet
    loss_curve_ : ndarray of shape (max_steps,)
        Loss of Eq. (1) at each step.
    n_features_in_ : int
    n_populations_ : int
    """

    def __init__(
        self,
        *,
        hidden: int = 512,
        n_layers: int = 4,
        skip: bool = True,
        n_fourier: int = 128,
        fourier_scale: float = 0.01,
        t_dim: int = 128,
        base: str = "source",
        paired: bool = True,
        ot: bool = False,
        max_steps: int = 10_000,
        batch_populations: int = 10,
        batch_points: int = 700,
        lr: float = 1e-4,
        random_state: Seed = None,
        device: str | torch.device = "cpu",
        progress: bool = False,
    ) -> None:
        self.hidden = hidden
        self.n_layers = n_layers
        self.skip = skip
        self.n_fourier = n_fourier
        self.fourier_scale = fourier_scale
        self.t_dim = t_dim
        self.base = base
        self.paired = paired
        self.ot = ot
        self.max_steps = max_steps
        self.batch_populations = batch_populations
        self.batch_points = batch_points
        self.lr = lr
        self.random_state = random_state
        self.device = device
        self.progress = progress

    def fit(self, pairs: Sequence[Any], conditions: Any = None, cell_types: Any = None) -> Any:
        """Learn the field from pairs of populations.

        Parameters
        ----------
        pairs : list of (x0, x1, ...)
            Arrays of shape (n_i, D), (m_i, D); what follows in a tuple is ignored.
        conditions : array-like of shape (N, C) or (N,), optional
            What was done to each population: a row of numbers, or a whole number from 0 on.
        cell_types : list of arrays of shape (n_i, F), optional
            Further inputs of each source point, for the population encoder alone.

        Raises
        ------
        TypeError, ValueError
            If an argument or a hyperparameter has the wrong kind, shape or range.
        FloatingPointError
            If the loss stops being finite.
        """
        clouds = _as_pairs(pairs)
        self._check_hyperparameters(clouds)
        device, self.n_features_in_ = pick_device(self.device), clouds[0][0].shape[1]
        self.n_populations_ = len(clouds)
        random = as_generator(self.random_state)
        self._c = self._condition_table(conditions, len(clouds))
        self._prepare(clouds, cell_types, random, device)
        cond_dim = 0 if self._c is None else self._c.shape[1]
        self.net_ = VelocityNet(
            self.n_features_in_,
            self._context_width(),
            cond_dim,
            self.hidden,
            self.n_layers,
            self.skip,
            self.n_fourier,
            self.fourier_scale,
            self.t_dim,
            random,
        ).to(device)
        self.loss_curve_ = self._train(_Batches(clouds, self, random, device))
        return self

    def predict(
        self,
        x0_population: Any,
        condition: Any = None,
        n_steps: int = 50,
        method: str = "dopri5",
        **context: Any,
    ) -> Any:
        """Push a source population forward to t = 1.

        Parameters
        ----------
        x0_population : array-like of shape (n, D)
            Need not be one of those in training.
        condition : int or array-like of shape (C,), optional
            As in ``fit``.
        n_steps, method
            See :func:`integrate`; "dopri5" chooses its steps by itself.
        **context
            ``index`` for :class:`ConditionalFlowMatching`, ``cell_types`` for
            :class:`MetaFlowMatching`, ``random_state`` for a Gaussian base.

        Returns
        -------
        array of shape (n, D), of the kind that came in
        """
        path = self.trajectory(x0_population, (1.0,), condition, n_steps, method, **context)
        return path[0]

    def trajectory(
        self,
        x0_population: Any,
        times: Any,
        condition: Any = None,
        n_steps: int = 50,
        method: str = "dopri5",
        **context: Any,
    ) -> Any:
        """Where the points are at some times in (0, 1], an array of shape (T, n, D)."""
        start, h, c = self._start(x0_population, condition, context)
        path = integrate(partial(self.net_, h=h, c=c), start, times, method, n_steps)
        return _like(path, x0_population)

    def _start(
        self, x0_population: Any, condition: Any, context: dict
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Checked start points of one population, its h and its c."""
        if not hasattr(self, "net_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet; call fit first")
        x0 = as_matrix(x0_population, "x0_population", n_columns=self.n_features_in_)
        context = dict(context)
        random_state, c = context.pop("random_state", None), self._one_condition(condition)
        with torch.no_grad():
            h = self._embed_for_prediction(x0, **context)
        if self.base == "gaussian":
            x0 = torch.randn(x0.shape, generator=as_generator(random_state))
        return x0.to(self.net_.B.device), h, c

    def predict_all(
        self,
        populations: Sequence[Any],
        conditions: Any = None,
        n_steps: int = 50,
        method: str = "dopri5",
        contexts: Sequence[dict] | None = None,
    ) -> list:
        """Push several populations forward; those of equal size together, which is faster.

        Parameters
        ----------
        populations : list of array-like of shape (n_i, D)
        conditions : sequence, optional
            One for each population, as in ``predict``.
        n_steps, method
            As in ``predict``; an adaptive method shares its steps among populations of equal size.
        contexts : list of dict, optional
            The ``context`` of ``predict`` for each. By default, :class:`ConditionalFlowMatching`
            gives each population an unused number of its own.
        """
        n = len(populations)
        given = [None] * n if conditions is None else list(conditions)
        contexts = [self._unseen(i) for i in range(n)] if contexts is None else contexts
        starts = [self._start(*item) for item in zip(populations, given, contexts, strict=True)]
        found: list[Any] = [None] * n
        for size in {len(x0) for x0, _, _ in starts}:
            rows = [i for i, (x0, _, _) in enumerate(starts) if len(x0) == size]
            h, c = (_stack([starts[i][part] for i in rows]) for part in (1, 2))
            x0 = torch.stack([starts[i][0] for i in rows])
            path = integrate(partial(self.net_, h=h, c=c), x0, (1.0,), method, n_steps)
            for i, end in zip(rows, path[0]):
                found[i] = _like(end, populations[i])
        return found

    def score(self, pairs: Sequence[Any], conditions: Any = None) -> float:
        """Minus the mean exact W1 between predictions and targets; higher is better."""
        clouds = _as_pairs(pairs)
        ends = self.predict_all([x0 for x0, _ in clouds], conditions)
        return -float(np.mean([wasserstein_1(end, x1) for end, (_, x1) in zip(ends, clouds)]))

    # What the three methods differ in.

    def _prepare(
        self, clouds: list, cell_types: Any, random: torch.Generator, device: torch.device
    ) -> None:
        if cell_types is not None:
            raise ValueError(f"cell_types must be None: {type(self).__name__} has no encoder")

    def _context_width(self) -> int:
        return 0

    def _context(self, step: int, populations: Tensor) -> Tensor | None:
        """What the network is told about each population of a minibatch, (B, E)."""
        return None

    def _embed_for_prediction(self, x0: Tensor) -> Tensor | None:
        return None

    def _unseen(self, i: int) -> dict:
        """Context of the i-th population of several that were not in training."""
        return {}

    def _optimisers(self) -> list[torch.optim.Optimizer]:
        return [_adam(self.net_.parameters(), self.lr)]

    def _active(self, step: int) -> list[int]:
        """Which optimisers move at this step."""
        return [0]

    # What they share.

    def _train(self, draw: Callable[[], tuple[Tensor, Tensor, Tensor, Tensor]]) -> np.ndarray:
        optimisers = self._optimisers()
        losses = torch.empty(self.max_steps)
        name = type(self).__name__
        for step in trange(self.max_steps, desc=name, disable=not self.progress, leave=False):
            populations, x0, x1, t = draw()
            h = self._context(step, populations)
            c = None if self._c is None else self._c[populations].to(x0.device)
            loss = flow_matching_loss(partial(self.net_, h=h, c=c), x0, x1, t)
            self._step(loss, [optimisers[i] for i in self._active(step)])
            losses[step] = loss.detach()
            if step % 100 == 99 or step == self.max_steps - 1:
                _check_finite(losses[: step + 1])
        return losses.numpy()

    @staticmethod
    def _step(loss: Tensor, optimisers: list[torch.optim.Optimizer]) -> None:
        """Move the parameters of some optimisers; gradients of the others are not computed."""
        moved = [p for o in optimisers for group in o.param_groups for p in group["params"]]
        for p, gradient in zip(moved, torch.autograd.grad(loss, moved)):
            p.grad = gradient
        for optimiser in optimisers:
            optimiser.step()

    def _check_hyperparameters(self, clouds: list) -> None:
        check_choice(self.base, "base", ("source", "gaussian"))
        for name in ("max_steps", "batch_populations", "batch_points"):
            check_integer(getattr(self, name), name, low=1)
        check_number(self.lr, "lr", low=0, low_open=True)
        uneven = [i for i, (a, b) in enumerate(clouds) if len(a) != len(b)]
        if self.paired and not self.ot and uneven:
            raise ValueError(
                f"pairs[{uneven[0]}] must have as many targets as sources when paired is True, got "
                f"{len(clouds[uneven[0]][0])} and {len(clouds[uneven[0]][1])}; unpaired "
                "populations need paired=False"
            )

    def _condition_table(self, conditions: Any, n: int) -> Tensor | None:
        """One row for each population: one-hot for whole numbers, else as they are."""
        self._n_conditions = 0
        if conditions is None:
            return None
        table = np.asarray(conditions)
        if len(table) != n:
            raise ValueError(f"conditions must have length {n}, got {len(table)}")
        if table.ndim == 1:
            if table.dtype.kind not in "iu" or table.min() < 0:
                raise ValueError(f"conditions must be whole numbers from 0 on, got {table[:5]}")
            self._n_conditions = int(table.max()) + 1
            return one_hot(torch.from_numpy(table).long(), self._n_conditions).float()
        return as_matrix(table, "conditions")

    def _one_condition(self, condition: Any) -> Tensor | None:
        if self._c is None or condition is None:
            if (condition is None) != (self._c is None):
                wanted = "None" if self._c is None else "given"
                raise ValueError(f"condition must be {wanted}, as in fit, got {condition!r}")
            return None
        if self._n_conditions:
            k = check_integer(condition, "condition", low=0, high=self._n_conditions - 1)
            row = one_hot(torch.tensor(k), self._n_conditions).float()
        else:
            row = as_matrix(np.asarray(condition)[None], "condition", n_columns=self._c.shape[1])[0]
        return row.to(self.net_.B.device)


class ConditionalFlowMatching(FlowMatching):
    """Flow matching told the number of each population as a one-hot vector.

    Populations that were not in training get one of ``n_unseen`` further numbers. Nothing has
    been learned about these: the weights that they select are those of the random start.

    Parameters
    ----------
    n_unseen : int
        Numbers kept for populations outside training.
    **settings
        As :class:`FlowMatching`.
    """

    def __init__(
        self,
        *,
        n_unseen: int = 20,
        hidden: int = 512,
        n_layers: int = 4,
        skip: bool = True,
        n_fourier: int = 128,
        fourier_scale: float = 0.01,
        t_dim: int = 128,
        base: str = "source",
        paired: bool = True,
        ot: bool = False,
        max_steps: int = 10_000,
        batch_populations: int = 10,
        batch_points: int = 700,
        lr: float = 1e-4,
        random_state: Seed = None,
        device: str | torch.device = "cpu",
        progress: bool = False,
    ) -> None:
        super().__init__(
            hidden=hidden,
            n_layers=n_layers,
            skip=skip,
            n_fourier=n_fourier,
            fourier_scale=fourier_scale,
            t_dim=t_dim,
            base=base,
            paired=paired,
            ot=ot,
            max_steps=max_steps,
            batch_populations=batch_populations,
            batch_points=batch_points,
            lr=lr,
            random_state=random_state,
            device=device,
            progress=progress,
        )
        self.n_unseen = n_unseen

    def _prepare(
        self, clouds: list, cell_types: Any, random: torch.Generator, device: torch.device
    ) -> None:
        super()._prepare(clouds, cell_types, random, device)
        check_integer(self.n_unseen, "n_unseen", low=1)
        self._codes = torch.eye(len(clouds) + self.n_unseen, device=device)

    def _context_width(self) -> int:
        return len(self._codes)

    def _context(self, step: int, populations: Tensor) -> Tensor:
        return self._codes[populations]

    def _embed_for_prediction(self, x0: Tensor, index: int | None = None) -> Tensor:
        """The code of a population: its number in training, or by default the first unused one."""
        index = self.n_populations_ if index is None else index
        return self._codes[check_integer(index, "index", low=0, high=len(self._codes) - 1)]

    def _unseen(self, i: int) -> dict:
        return {"index": self.n_populations_ + i % self.n_unseen}


class MetaFlowMatching(FlowMatching):
    """Flow matching told the whole source population, embedded by a graph network.

    Parameters
    ----------
    k : int
        Nearest neighbours in the population's graph; 0 for none (DeepSets).
    hidden_gnn, n_layers_gnn : int
        Width and depth of the encoder.
    joint : bool
        Update both networks at every step. Otherwise they take turns: even steps move the velocity
        network, which reads embeddings from a cache, odd steps recompute the embeddings of the
        minibatch, put them into the cache and move the encoder.
    lr_gnn : float, optional
        Learning rate of the encoder; default ``lr``.
    **settings
        As :class:`FlowMatching`.

    Attributes
    ----------
    encoder_ : PopulationEncoder
    embeddings_ : Tensor of shape (N, hidden_gnn)
        Of the training populations, after training.

    References
    ----------
    Atanackovic, Zhang, Amos, Blanchette, Lee, Bengio, Tong, Neklyudov. Meta Flow Matching. ICLR
    2025, arXiv:2408.14608.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> pairs = [(x := rng.normal(m, 1, (60, 2)), x + m) for m in rng.normal(size=(8, 2))]
    >>> model = MetaFlowMatching(k=5, hidden=32, max_steps=20, batch_points=60, random_state=0)
    >>> model.fit(pairs).predict(rng.normal(size=(30, 2))).shape
    (30, 2)
    """

    def __init__(
        self,
        k: int = 50,
        hidden: int = 512,
        n_layers: int = 4,
        *,
        hidden_gnn: int = 64,
        n_layers_gnn: int = 3,
        joint: bool = False,
        ot: bool = False,
        skip: bool = True,
        n_fourier: int = 128,
        fourier_scale: float = 0.01,
        t_dim: int = 128,
        base: str = "source",
        paired: bool = True,
        max_steps: int = 10_000,
        batch_populations: int = 10,
        batch_points: int = 700,
        lr: float = 1e-4,
        lr_gnn: float | None = None,
        random_state: Seed = None,
        device: str | torch.device = "cpu",
        progress: bool = False,
    ) -> None:
        super().__init__(
            hidden=hidden,
            n_layers=n_layers,
            skip=skip,
            n_fourier=n_fourier,
            fourier_scale=fourier_scale,
            t_dim=t_dim,
            base=base,
            paired=paired,
            ot=ot,
            max_steps=max_steps,
            batch_populations=batch_populations,
            batch_points=batch_points,
            lr=lr,
            random_state=random_state,
            device=device,
            progress=progress,
        )
        self.k = k
        self.hidden_gnn = hidden_gnn
        self.n_layers_gnn = n_layers_gnn
        self.joint = joint
        self.lr_gnn = lr_gnn

    def embed(self, x0: Any, cell_types: Any = None) -> Any:
        """Embedding of a population, a unit vector of length ``hidden_gnn``."""
        if not hasattr(self, "encoder_"):
            raise NotFittedError("this MetaFlowMatching is not fitted yet; call fit first")
        points = as_matrix(x0, "x0", n_columns=self.n_features_in_)
        with torch.no_grad():
            return _like(self._embed_for_prediction(points, cell_types), x0)

    def fit(
        self, pairs: Sequence[Any], conditions: Any = None, cell_types: Any = None
    ) -> "MetaFlowMatching":
        """Learn encoder and field together; see :meth:`FlowMatching.fit`."""
        super().fit(pairs, conditions, cell_types)
        with torch.no_grad():
            self.embeddings_ = self._embed(range(self.n_populations_))
        return self

    def _prepare(
        self, clouds: list, cell_types: Any, random: torch.Generator, device: torch.device
    ) -> None:
        types = [None] * len(clouds) if cell_types is None else list(cell_types)
        if len(types) != len(clouds):
            raise ValueError(f"cell_types must have length {len(clouds)}, got {len(types)}")
        n_cell_cond = 0 if cell_types is None else np.asarray(types[0]).shape[1]
        self.encoder_ = PopulationEncoder(
            clouds[0][0].shape[1], self.hidden_gnn, self.n_layers_gnn, self.k, n_cell_cond, random
        ).to(device)
        # Built once and kept: a graph does not change while the networks learn.
        self._graphs = [self.encoder_.graph(x0, c).to(device) for (x0, _), c in zip(clouds, types)]
        with torch.no_grad():
            self._cache = self._embed(range(len(clouds)))

    def _context_width(self) -> int:
        return self.hidden_gnn

    def _embed(self, populations: Any) -> Tensor:
        return self.encoder_.embed(PopulationGraph.join([self._graphs[i] for i in populations]))

    def _context(self, step: int, populations: Tensor) -> Tensor:
        if not self.joint and step % 2 == 0:
            return self._cache[populations]
        h = self._embed(populations.tolist())
        self._cache[populations] = h.detach()
        return h

    def _optimisers(self) -> list[torch.optim.Optimizer]:
        lr = self.lr if self.lr_gnn is None else self.lr_gnn
        return [*super()._optimisers(), _adam(self.encoder_.parameters(), lr)]

    def _active(self, step: int) -> list[int]:
        return [0, 1] if self.joint else [step % 2]

    def _embed_for_prediction(self, x0: Tensor, cell_types: Any = None) -> Tensor:
        graph = self.encoder_.graph(x0, cell_types).to(self.net_.B.device)
        return self.encoder_.embed(graph)[0]


class _Batches:
    """Draws minibatches: populations without, points with replacement (or all of them)."""

    def __init__(
        self, clouds: list, model: FlowMatching, random: torch.Generator, device: torch.device
    ) -> None:
        self.model, self.random, self.device = model, random, device
        self.x = [torch.cat([c[i] for c in clouds]).to(device) for i in (0, 1)]
        self.sizes = [torch.tensor([len(c[i]) for c in clouds]) for i in (0, 1)]
        self.first = [s.cumsum(0) - s for s in self.sizes]
        self.n = min(model.batch_populations, len(clouds))
        self.m = model.batch_points
        self.all = all(len(x) == self.m for c in clouds for x in c)

    def __call__(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Numbers of the populations (B,), starts and ends (B, m, D), times (B, m)."""
        populations = torch.randperm(len(self.sizes[0]), generator=self.random)[: self.n]
        model, paired = self.model, self.model.paired and not self.model.ot
        i = self._rows(0, populations)
        j = i if paired else self._rows(1, populations, shuffle=True)
        x0, x1 = self.x[0][i], self.x[1][j]
        if model.ot:
            x0, x1 = ot_pairs(x0, x1, self.random)
        if model.base == "gaussian":
            x0 = torch.randn(x0.shape, generator=self.random).to(self.device)
        t = torch.rand(x0.shape[:-1], generator=self.random).to(self.device)
        return populations, x0, x1, t

    def _rows(self, side: int, populations: Tensor, shuffle: bool = False) -> Tensor:
        shape = (len(populations), self.m)
        sizes, first = (a[side][populations, None] for a in (self.sizes, self.first))
        if not self.all:
            u = torch.rand(shape, generator=self.random, dtype=torch.float64)
            rows = (u * sizes).long()
        elif shuffle:
            rows = torch.rand(shape, generator=self.random).argsort(1)
        else:
            rows = torch.arange(self.m).expand(shape)
        return (rows + first).to(self.device)


def _stack(parts: list) -> Tensor | None:
    return None if parts[0] is None else torch.stack(parts)


def _adam(parameters: Any, lr: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(list(parameters), lr=lr, fused=True)


def _check_finite(losses: Tensor) -> None:
    bad = ~torch.isfinite(losses)
    if bad.any():
        step = int(bad.nonzero()[0])
        raise FloatingPointError(
            f"the loss became {losses[step].item()} at step {step}; try a smaller learning rate"
        )
