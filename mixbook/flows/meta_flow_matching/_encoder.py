"""From a population to a unit vector: a graph network over nearest neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float, Int
from scipy.spatial import cKDTree
from torch import Tensor, nn

from mixbook.core.seeds import as_generator
from mixbook.core.validation import as_matrix, check_integer

__all__ = ["PopulationEncoder", "PopulationGraph", "knn_indices"]


def knn_indices(x: Any, k: int) -> Int[Tensor, "n k"]:
    """The k nearest other points of each point, nearest first.

    Parameters
    ----------
    x : array-like of shape (n, D)
    k : int
        At least 0 and less than n.

    Raises
    ------
    TypeError, ValueError
        If x is no finite (n, D) table or k is out of range.
    """
    points = as_matrix(x, "x", dtype=torch.float64)
    n = len(points)
    k = check_integer(k, "k", low=0)
    if k >= n:
        raise ValueError(f"k must be less than the number of points, {n}, got {k}")
    if k == 0:
        return torch.empty(n, 0, dtype=torch.int64)
    found = torch.from_numpy(cKDTree(points.numpy()).query(points.numpy(), k + 1)[1]).long()
    # A point comes first among its own neighbours, unless others lie on top of it.
    own = found == torch.arange(n)[:, None]
    own[~own.any(1), -1] = True
    return found[~own].view(n, k)


@dataclass(frozen=True)
class PopulationGraph:
    """Nearest-neighbour graph of one or several populations, with all that never changes in it.

    Attributes
    ----------
    neighbours : int Tensor of shape (N, k + 1)
        Each point's neighbourhood, itself first.
    smoothed : Tensor of shape (N, D)
        Mean of the inputs over each neighbourhood: what the first layer reads.
    weights : Tensor of shape (N, 1)
        The weights of Eq. (4); they sum to one in each population.
    owner : int Tensor of shape (N,)
        Number of the population of each point.
    n_populations : int
    """

    neighbours: Int[Tensor, "N k1"]
    smoothed: Float[Tensor, "N D"]
    weights: Float[Tensor, "N 1"]
    owner: Int[Tensor, " N"]
    n_populations: int = 1

    @classmethod
    def build(cls, points: Any, k: int, features: Any = None) -> "PopulationGraph":
        """The graph of one population; distances are those of ``points``.

        Parameters
        ----------
        points : array-like of shape (n, D)
        k : int
            Neighbours of each point besides itself; 0 means no graph at all.
        features : array-like of shape (n, F), optional
            Further inputs of each point, such as cell types, that do not shape the graph.
        """
        inputs = as_matrix(points, "points")
        own = torch.arange(len(inputs))[:, None]
        neighbours = torch.cat([own, knn_indices(inputs, k)], dim=1)
        if features is not None:
            extra = as_matrix(features, "features")
            if len(extra) != len(inputs):
                raise ValueError(
                    f"features must have one row for each of {len(inputs)} points, got {len(extra)}"
                )
            inputs = torch.cat([inputs, extra], dim=1)
        # Eq. (4), the weights
        seen = torch.bincount(neighbours.flatten(), minlength=len(inputs))
        weights = (seen / neighbours.numel()).to(inputs.dtype)[:, None]
        owner = torch.zeros(len(inputs), dtype=torch.int64)
        return cls(neighbours, _neighbourhood_mean(inputs, neighbours), weights, owner)

    @classmethod
    def join(cls, graphs: Sequence["PopulationGraph"]) -> "PopulationGraph":
        """One graph of several single populations, without edges between them."""
        first = [0]
        for graph in graphs:
            first.append(first[-1] + len(graph.owner))
        return cls(
            torch.cat([g.neighbours + start for g, start in zip(graphs, first)]),
            torch.cat([g.smoothed for g in graphs]),
            torch.cat([g.weights for g in graphs]),
            torch.cat([g.owner + i for i, g in enumerate(graphs)]),
            len(graphs),
        )

    def to(self, device: str | torch.device) -> "PopulationGraph":
        """The same graph on another device."""
        return PopulationGraph(
            self.neighbours.to(device),
            self.smoothed.to(device),
            self.weights.to(device),
            self.owner.to(device),
            self.n_populations,
        )


class PopulationEncoder(nn.Module):
    """Graph convolutions over the points of a population, their mean, scaled to length one.

    Parameters
    ----------
    dim : int
        Dimension D of the points.
    hidden : int
        Width of all layers and of the embedding.
    n_layers : int
        Number of layers L; a ReLU follows all but the last.
    k : int
        Nearest neighbours; 0 gives DeepSets, the mean of a network of single points.
    n_cell_cond : int
        Further inputs of each point, such as a one-hot cell type.
    generator : int, torch.Generator or None
        Draws the initial weights.

    Examples
    --------
    >>> import torch
    >>> encoder = PopulationEncoder(dim=2, hidden=16, k=5)
    >>> encoder(torch.rand(3, 100, 2)).shape
    torch.Size([3, 16])
    """

    def __init__(
        self,
        dim: int,
        hidden: int = 64,
        n_layers: int = 3,
        k: int = 50,
        n_cell_cond: int = 0,
        generator: int | torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.dim = check_integer(dim, "dim", low=1)
        self.hidden = check_integer(hidden, "hidden", low=1)
        self.k = check_integer(k, "k", low=0)
        self.n_cell_cond = check_integer(n_cell_cond, "n_cell_cond", low=0)
        check_integer(n_layers, "n_layers", low=1)
        widths = [dim + n_cell_cond] + n_layers * [hidden]
        self.layers = nn.ModuleList(linear(a, b) for a, b in pairwise(widths))
        reset_parameters(self, as_generator(generator))

    def forward(self, points: Tensor, cell_cond: Tensor | None = None) -> Tensor:
        """Embed one population (n, D) as (hidden,), or a batch (B, n, D) as (B, hidden).

        The graphs are built anew at each call; to use them again, build them with :meth:`graph`
        and call :meth:`embed`.

        Parameters
        ----------
        points : Tensor of shape (n, D) or (B, n, D)
        cell_cond : Tensor of shape (n, C) or (B, n, C), optional
            Wanted if ``n_cell_cond`` is positive.

        Raises
        ------
        ValueError
            If a shape does not fit, there are not more than k points, or points are not finite.
        """
        if not isinstance(points, Tensor) or points.ndim not in (2, 3) or not len(points):
            raise ValueError(
                f"points must be a tensor of shape (n, {self.dim}) or (B, n, {self.dim}), got "
                f"{tuple(points.shape) if isinstance(points, Tensor) else type(points).__name__}"
            )
        single = points.ndim == 2
        batch = points[None] if single else points
        conds = (
            [None] * len(batch) if cell_cond is None else cell_cond[None] if single else cell_cond
        )
        graphs = [self.graph(p, c) for p, c in zip(batch, conds, strict=True)]
        h = self.embed(PopulationGraph.join(graphs).to(points.device))
        return h[0] if single else h

    def graph(self, points: Any, cell_cond: Any = None) -> PopulationGraph:
        """The graph of one population, which :meth:`embed` can use again and again."""
        points = as_matrix(points, "points", n_columns=self.dim)
        if (cell_cond is None) != (self.n_cell_cond == 0):
            raise ValueError(
                f"cell_cond must have {self.n_cell_cond} column(s), as n_cell_cond says"
                if self.n_cell_cond
                else "cell_cond must be None, as n_cell_cond is 0"
            )
        if cell_cond is not None:
            cell_cond = as_matrix(cell_cond, "cell_cond", n_columns=self.n_cell_cond)
        return PopulationGraph.build(points, self.k, cell_cond)

    def embed(self, graph: PopulationGraph) -> Float[Tensor, "B hidden"]:
        """Unit vectors of all populations of a graph, Eqs. (3) to (5)."""
        # Eq. (3); the first layer's neighbourhood means are part of the graph.
        z = graph.smoothed
        for i, layer in enumerate(self.layers[:-1]):
            z = torch.relu(layer(_neighbourhood_mean(z, graph.neighbours) if i else z))
        weights = graph.weights
        if len(self.layers) == 1:  # the means have been taken already
            counts = torch.bincount(graph.owner, minlength=graph.n_populations)
            weights = (1 / counts)[graph.owner, None]
        # Eq. (4)
        pooled = z.new_zeros(graph.n_populations, z.shape[1]).index_add(0, graph.owner, weights * z)
        h = self.layers[-1](pooled)
        # Eq. (5)
        return h / (h.norm(dim=1, keepdim=True) + 1e-12)


def _neighbourhood_mean(z: Tensor, neighbours: Tensor) -> Tensor:
    """Mean of z over each row of neighbours: one gather."""
    if neighbours.shape[1] == 1:
        return z
    return z.index_select(0, neighbours.flatten()).unflatten(0, neighbours.shape).mean(1)


def linear(n_in: int, n_out: int) -> nn.Linear:
    """A linear layer with no values yet, so that the global generator is left alone."""
    return nn.utils.skip_init(nn.Linear, n_in, n_out)


def reset_parameters(module: nn.Module, generator: torch.Generator) -> None:
    """PyTorch's usual start of linear layers, drawn from a generator."""
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.Linear):
                bound = layer.in_features**-0.5
                for p in (layer.weight, layer.bias):
                    p.copy_((2 * torch.rand(p.shape, generator=generator) - 1) * bound)
