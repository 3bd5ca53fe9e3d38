"""The layers of ReGENN: autoregression, co-occurrence of variables, graph soft evolution."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mixbook.core.validation import check_integer, check_number

__all__ = ["Autoregression", "GSEvolution", "cooccurrence_adjacency", "cosine_matrix"]


def cooccurrence_adjacency(x: Float[Tensor, "b t v"]) -> Float[Tensor, "v v"]:
    """How much of each variable occurs together with each other one.

    Parameters
    ----------
    x : Tensor of shape (samples, steps, V)
        Meant for values >= 0, where 0 is "does not occur".

    Returns
    -------
    Tensor of shape (V, V)
        Off the diagonal, Eq. (2): the mass of variable i at the moments in which j occurs. It is
        not symmetric: the row says whose mass. On the diagonal, Eq. (3): mass of i beyond what
        it shares, which is rarely above zero.
    """
    _check_input(x)
    occurs = (x > 0).to(x.dtype)
    # Eq. (2)
    S = torch.einsum("bti,btj->ij", x, occurs)
    # Eq. (3)
    own = (2 * S.diagonal() - S.sum(dim=1)).clamp_min(0)
    return S - torch.diag(S.diagonal()) + torch.diag(own)


def cosine_matrix(H: Float[Tensor, "v f"], eps: float = 1e-12) -> Float[Tensor, "v v"]:
    """Cosine similarity of each pair of rows, Eq. (5); a row of zeros is similar to none."""
    check_number(eps, "eps", low=0, low_open=True)
    norm = H.norm(dim=1, keepdim=True).clamp_min(eps)
    # Eq. (5)
    return (H / norm) @ (H / norm).T


class Autoregression(nn.Module):
    """A linear map of the time axis, shared by all samples and variables, Eq. (1).

    Parameters
    ----------
    window, stride : int
        Steps in and out.
    start : {"last", "glorot"}
        "last" starts as the forecast that repeats the last value; "glorot" is the authors' start.
    """

    def __init__(self, window: int, stride: int, start: str = "glorot") -> None:
        super().__init__()
        check_integer(window, "window", low=1)
        check_integer(stride, "stride", low=1)
        if start not in ("last", "glorot"):
            raise ValueError(f"start must be 'last' or 'glorot', got {start!r}")
        self.weight = nn.Parameter(torch.zeros(window, stride))
        self.bias = nn.Parameter(torch.zeros(stride, 1))
        with torch.no_grad():
            if start == "last":
                self.weight[-1] = 1.0
            else:
                nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Float[Tensor, "b t v"]) -> Float[Tensor, "b d v"]:
        # Eq. (1)
        return torch.einsum("td,btv->bdv", self.weight, x) + self.bias


class GSEvolution(nn.Module):
    """Graph soft evolution: a graph of the variables that training re-expresses.

    The adjacency S is counted from the data and never trained; what is trained is how it is read.

    Parameters
    ----------
    n_vars : int
        V, at least 2.
    t_in, t_out : int
        Steps before and after the feed-forward map of the time axis.
    time_dot : bool
        Whether there is that map, Eq. (8); without it ``t_out`` must equal ``t_in``.
    activation : callable, optional
        Applied before the time map.
    dropout : float
        In [0, 1).
    bias : bool
        Whether biases are trained; they stay zero if not.
    """

    adjacency: Tensor

    def __init__(
        self,
        n_vars: int,
        t_in: int,
        t_out: int,
        time_dot: bool = True,
        activation: Callable[[Tensor], Tensor] | None = None,
        dropout: float = 0.1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_integer(n_vars, "n_vars", low=2)
        check_integer(t_in, "t_in", low=1)
        check_integer(t_out, "t_out", low=1)
        check_number(dropout, "dropout", low=0, high=1, high_open=True)
        if not time_dot and t_in != t_out:
            raise ValueError(f"t_out must equal t_in ({t_in}) without time_dot, got {t_out}")
        if activation is not None and not callable(activation):
            raise TypeError(f"activation must be callable or None, got {activation!r}")
        self.n_vars, self.time_dot = n_vars, time_dot
        self.W_A, self.b_A = _weight(n_vars, n_vars), _zeros(n_vars, 1, trained=bias)
        self.W_C, self.B_C = _weight(n_vars, n_vars), _zeros(n_vars, n_vars, trained=bias)
        if time_dot:
            self.W_T, self.b_T = _weight(t_in, t_out), _zeros(t_out, 1, trained=bias)
        self.activation, self.dropout = activation, nn.Dropout(dropout)
        self.register_buffer("adjacency", torch.zeros(n_vars, n_vars))

    @torch.no_grad()
    def accumulate(self, x: Float[Tensor, "b t v"]) -> None:
        """Add the co-occurrences of a batch to the stored adjacency."""
        self.adjacency += cooccurrence_adjacency(x).to(self.adjacency)

    def reset_graph(self) -> None:
        """Forget the stored adjacency."""
        self.adjacency.zero_()

    @torch.no_grad()
    def preset_adjacency(self, A: Float[Tensor, "v v"]) -> None:
        """Store a given adjacency, for example one that an earlier layer learned."""
        if A.shape != self.adjacency.shape or not torch.isfinite(A).all():
            raise ValueError(
                f"A must be finite, of shape {tuple(self.adjacency.shape)}, got {tuple(A.shape)}"
            )
        self.adjacency.copy_(A)

    def evolve(self, adjacency: Float[Tensor, "v v"] | None = None) -> Float[Tensor, "v v"]:
        """H, the adjacency as this layer re-expresses it; default from the stored one."""
        S = self.adjacency if adjacency is None else adjacency
        # Eq. (4)
        return self.b_A + S @ self.W_A

    def graph(self, H: Float[Tensor, "v v"]) -> Float[Tensor, "v v"]:
        """G, the weights with which variables are mixed."""
        # Eq. (6)
        return cosine_matrix(H) * self.W_C + self.B_C

    def forward(
        self, x: Float[Tensor, "b t v"], adjacency: Float[Tensor, "v v"] | None = None
    ) -> tuple[Float[Tensor, "b d v"], Float[Tensor, "v v"]]:
        """Mix the variables along the graph.

        Parameters
        ----------
        x : Tensor of shape (B, t_in, V)
        adjacency : Tensor of shape (V, V), optional
            In place of the stored one. In training mode it is stored as well, so that after
            training the layer holds the last one it was given.

        Returns
        -------
        out : Tensor of shape (B, t_out, V)
        H : Tensor of shape (V, V)
            Detached; the adjacency for a following layer.
        """
        _check_input(x, self.n_vars)
        if adjacency is not None and self.training:
            self.adjacency.copy_(adjacency.detach())
        H = self.evolve(adjacency)
        # Eq. (7)
        out = self.dropout(torch.einsum("av,btv->bta", self.graph(H), x))
        if self.activation is not None:
            out = self.activation(out)
        if self.time_dot:
            # Eq. (8)
            out = torch.einsum("td,btv->bdv", self.W_T, out) + self.b_T
        return out, H.detach()


def _weight(*shape: int) -> nn.Parameter:
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(*shape)))


def _zeros(*shape: int, trained: bool) -> nn.Parameter:
    return nn.Parameter(torch.zeros(*shape), requires_grad=trained)


def _check_input(x: Tensor, n_vars: int | None = None) -> None:
    if x.ndim != 3 or not x.numel() or not x.is_floating_point():
        raise ValueError(
            "x must be a floating-point tensor of shape (samples, steps, variables), none empty, "
            f"got shape {tuple(x.shape)} of {x.dtype}"
        )
    if n_vars is not None and x.shape[2] != n_vars:
        raise ValueError(f"x must have {n_vars} variables, got {x.shape[2]}")
