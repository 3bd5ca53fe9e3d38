"""Random projections from t in R^d to offsets P t in R^D, and the Walsh-Hadamard transform.

Every projection is an ``nn.Module`` that holds buffers only, maps ``t [..., d]`` to ``[..., D]``,
has its transpose as ``.T(g)``, and columns of unit length (Fastfood: on average, see there).
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import scipy.sparse
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mixbook.core.seeds import as_generator
from mixbook.core.validation import check_choice, check_integer, check_number

__all__ = [
    "DenseProjection",
    "FastfoodProjection",
    "Projection",
    "SparseProjection",
    "fwht",
    "make_projection",
]

# Blocks of at most 16 are the fastest on a CPU: few passes, each a small matrix product.
_BLOCK_BITS = 4


def fwht(x: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch n"]:
    r"""Fast Walsh-Hadamard transform ``x H`` over the last axis, unnormalised.

    ``H_{mk} = H_m \otimes H_k`` (Kronecker product), so ``H_n`` is applied as a few products with
    a 16 x 16 block: ``O(n log n)`` time, no n x n matrix. Two transforms give ``n x``.

    Parameters
    ----------
    x : Tensor, shape (..., n)
        Floating point; ``n`` a power of two. Differentiable.

    Raises
    ------
    TypeError
        If ``x`` is not a floating-point tensor.
    ValueError
        If ``n`` is not a power of two.

    Examples
    --------
    >>> fwht(torch.tensor([1.0, 0, 1, 0, 0, 1, 1, 0])).tolist()
    [4.0, 2.0, 0.0, -2.0, 0.0, 2.0, 0.0, 2.0]
    """
    if not isinstance(x, Tensor) or not x.is_floating_point():
        raise TypeError(f"x must be a floating-point tensor, got {_kind(x)}")
    n = x.shape[-1] if x.ndim else 0
    if n < 1 or n & (n - 1):
        raise ValueError(f"x must have a last axis whose length is a power of two, got {n}")
    y, done = x, 1
    for k in _blocks(n):
        # Eq. (7): one Kronecker factor of H at a time; H is symmetric
        H = _hadamard(k, x)
        y = y.reshape(-1, k) @ H if done == 1 else torch.matmul(H, y.reshape(-1, k, done))
        done *= k
    return y.reshape(x.shape)


def _blocks(n: int) -> list[int]:
    """Powers of two of nearly equal size, at most 16, whose product is ``n``."""
    bits = n.bit_length() - 1
    parts = -(-bits // _BLOCK_BITS)
    return [1 << (bits // parts + (i < bits % parts)) for i in range(parts)]


@cache
def _hadamard_array(n: int) -> np.ndarray:
    """Walsh-Hadamard matrix of order ``n`` in natural order, entries +-1."""
    if n == 1:
        return np.ones((1, 1), dtype=np.float32)
    h = _hadamard_array(n // 2)
    # Eq. (7)
    return np.block([[h, h], [h, -h]])


def _hadamard(n: int, like: Tensor) -> Tensor:
    return torch.from_numpy(_hadamard_array(n)).to(like)


class Projection(nn.Module):
    """What the three projections share: sizes, checks, and the explicit matrix.

    Parameters
    ----------
    D : int
        Number of parameters of the network.
    d : int
        Dimension of the subspace, ``1 <= d <= D``.
    """

    def __init__(self, D: int, d: int) -> None:
        super().__init__()
        self.D = check_integer(D, "D", low=1)
        self.d = check_integer(d, "d", low=1, high=self.D)

    def forward(self, t: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch D"]:
        """``P t``, the offset of Eq. (2)."""
        return _Products.apply(_check_last_axis(t, self.d, "t")[None], (self,), False)[0]

    def T(self, g: Float[Tensor, "*batch D"]) -> Float[Tensor, "*batch d"]:
        """``P^T g``, the gradient of Eq. (3)."""
        # Eq. (3)
        return _Products.apply(_check_last_axis(g, self.D, "g")[None], (self,), True)[0]

    def matrix(self) -> Float[Tensor, "D d"]:
        """``P`` written out; for looking at and for tests."""
        buffer = next(b for b in self.buffers() if b.is_floating_point())
        return self(torch.eye(self.d, dtype=buffer.dtype, device=buffer.device)).T

    def extra_repr(self) -> str:
        return f"D={self.D}, d={self.d}"

    def _apply_P(self, t: Tensor) -> Tensor:
        raise NotImplementedError

    def _apply_PT(self, g: Tensor) -> Tensor:
        raise NotImplementedError


def project_each(
    projections: Sequence[Projection], t: Float[Tensor, "m *batch d"]
) -> Float[Tensor, "m *batch D"]:
    """``P_i t_i`` for m projections of one size, in one step of automatic differentiation."""
    return _Products.apply(t, tuple(projections), False)


class _Products(torch.autograd.Function):
    """``P_i t_i`` or ``P_i^T g_i``, each of which is the gradient of the other, Eq. (3).

    Left to itself, automatic differentiation would walk back through every pass of the Hadamard
    transform and scatter through its permutation, and it cannot walk through a sparse product.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, projections: tuple[Projection, ...], transpose: bool
    ) -> Tensor:
        ctx.projections, ctx.transpose = projections, transpose
        each = zip(projections, x)
        return torch.stack([P._apply_PT(z) if transpose else P._apply_P(z) for P, z in each])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return _Products.apply(grads[0], ctx.projections, not ctx.transpose), None, None


class DenseProjection(Projection):
    """Normal entries, then each column divided by its length (all layers together), Eq. (4).

    Exact and simple; needs memory and time ``O(D d)``.

    Parameters
    ----------
    D, d : int
        Sizes of the matrix.
    seed : int or torch.Generator
        Draws the matrix.
    """

    P: Tensor

    def __init__(self, D: int, d: int, seed: int | torch.Generator = 0) -> None:
        super().__init__(D, d)
        rows = torch.randn(self.d, self.D, generator=as_generator(seed))
        # Eq. (4)
        rows /= torch.linalg.vector_norm(rows, dim=1, keepdim=True)
        self.register_buffer("P", rows.T)

    def _apply_P(self, t: Tensor) -> Tensor:
        return t @ self.P.T

    def _apply_PT(self, g: Tensor) -> Tensor:
        return g @ self.P


class SparseProjection(Projection):
    """Very sparse random projection, drawn layer by layer and normalised jointly, Eq. (5).

    In a layer with ``D_l`` parameters an entry differs from zero with probability
    ``density_l = 1 / sqrt(D_l)`` and is then ``+-1 / sqrt(density_l)``; afterwards every column is
    divided by its length over all layers. Memory and time ``O(d sum_l sqrt(D_l))``; on a CPU the
    products are SciPy's.

    Parameters
    ----------
    D, d : int
        Sizes of the matrix.
    seed : int or torch.Generator
        Draws the matrix.
    density : "auto" or float
        One density in (0, 1] for all layers, or ``1 / sqrt(D_l)``.
    layer_sizes : sequence of int, optional
        ``D_l`` of each parameter tensor, in order; they sum to D. Default: one layer.
    """

    pointer: Tensor
    row: Tensor
    value: Tensor

    def __init__(
        self,
        D: int,
        d: int,
        seed: int | torch.Generator = 0,
        density: float | str = "auto",
        layer_sizes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(D, d)
        sizes = _check_layers(layer_sizes, self.D)
        generator = as_generator(seed)
        parts, start = [], 0
        for size in sizes:
            row, column, value = _sparse_layer(size, self.d, _density(density, size), generator)
            parts.append((row + start, column, value))
            start += size
        row, column, value = (torch.cat(p) for p in zip(*parts))
        row, column, value = _fill_empty(row, column, value, self.D, self.d, generator)
        # Eq. (5): one length per column, over all layers
        length = torch.zeros(self.d).index_add_(0, column, value**2).sqrt()
        value = value / length[column]
        self._store(column, row, value)

    def _store(self, column: Tensor, row: Tensor, value: Tensor) -> None:
        """Compressed columns of P, which are the compressed rows of its transpose."""
        order = torch.argsort(column, stable=True)
        pointer = torch.zeros(self.d + 1, dtype=torch.int32)
        pointer[1:] = torch.bincount(column, minlength=self.d).cumsum(0)
        self.register_buffer("pointer", pointer)
        self.register_buffer("row", row[order].int())
        self.register_buffer("value", value[order])

    def _apply_P(self, t: Tensor) -> Tensor:
        on_cpu = t.device.type == "cpu"
        return _scipy_times(self._transposed().T, t) if on_cpu else self._add_up(t)

    def _apply_PT(self, g: Tensor) -> Tensor:
        on_cpu = g.device.type == "cpu"
        return _scipy_times(self._transposed(), g) if on_cpu else self._add_up_transposed(g)

    def _add_up(self, t: Tensor) -> Tensor:
        """P t on any device: each entry's product is added to its row."""
        products = self.value * t[..., self._column()]
        return t.new_zeros(*t.shape[:-1], self.D).index_add_(-1, self.row, products)

    def _add_up_transposed(self, g: Tensor) -> Tensor:
        products = self.value * g[..., self.row]
        return g.new_zeros(*g.shape[:-1], self.d).index_add_(-1, self._column(), products)

    def _transposed(self) -> scipy.sparse.csr_array:
        """P^T for SciPy, whose products are the fastest on a CPU; shares the buffers' memory."""
        parts = (self.value.numpy(), self.row.numpy(), self.pointer.numpy())
        return scipy.sparse.csr_array(parts, shape=(self.d, self.D), copy=False)

    def _column(self) -> Tensor:
        counts = self.pointer.diff().long()
        return torch.repeat_interleave(torch.arange(self.d, device=counts.device), counts)


def _scipy_times(matrix: Any, x: Tensor) -> Tensor:
    """``matrix`` times each vector on the last axis of ``x``."""
    columns = np.ascontiguousarray(x.detach().reshape(-1, x.shape[-1]).numpy().T)
    return torch.from_numpy((matrix @ columns).T).reshape(*x.shape[:-1], matrix.shape[0])


class FastfoodProjection(Projection):
    """Structured projection of Le, Sarlos and Smola (2013), Eq. (6): nothing of size D d is stored.

    With ``L`` the power of two at or above D and t padded with zeros to length L,
    ``P t`` is the first D entries of ``H G Pi H B t / (sqrt(L sum G^2) sqrt(D / L))``: signs ``B``,
    permutation ``Pi``, normal numbers ``G``. Time ``O(L log L)`` and memory ``O(L)``, whatever d
    is. Columns have unit length exactly for D = L, and in the mean of their squares for D < L.

    Parameters
    ----------
    D, d : int
        Sizes of the matrix.
    seed : int or torch.Generator
        Draws B, Pi and G (those that are not given).
    B : Tensor of shape (L,), optional
        Signs, +-1.
    Pi : Tensor of shape (L,), optional
        A permutation of 0..L-1; ``(Pi x)_i = x[Pi[i]]``.
    G : Tensor of shape (L,), optional
        The diagonal; not all zero.
    """

    B: Tensor
    Pi: Tensor
    Pi_inverse: Tensor
    G: Tensor
    scale: Tensor

    def __init__(
        self,
        D: int,
        d: int,
        seed: int | torch.Generator = 0,
        *,
        B: Float[Tensor, " L"] | None = None,
        Pi: Int[Tensor, " L"] | None = None,
        G: Float[Tensor, " L"] | None = None,
    ) -> None:
        super().__init__(D, d)
        self.L = L = 1 << (self.D - 1).bit_length()
        generator = as_generator(seed)
        signs = 2.0 * torch.randint(0, 2, (L,), generator=generator) - 1
        order = torch.randperm(L, generator=generator)
        normal = torch.randn(L, generator=generator)
        self.register_buffer("B", signs if B is None else _check_signs(B, L))
        self.register_buffer("Pi", order if Pi is None else _check_permutation(Pi, L))
        self.register_buffer("Pi_inverse", torch.argsort(self.Pi))
        self.register_buffer("G", normal if G is None else _check_diagonal(G, L))
        self.register_buffer("scale", (self.D * self.G.square().sum()).rsqrt())

    def _apply_P(self, t: Tensor) -> Tensor:
        # Eq. (6), from right to left: B, H, Pi, G, H; sqrt(L sum G^2) sqrt(D / L) = sqrt(D sum G^2)
        x = nn.functional.pad(t * self.B[: self.d], (0, self.L - self.d))
        x = fwht(x)[..., self.Pi] * self.G
        return fwht(x)[..., : self.D] * self.scale

    def _apply_PT(self, g: Tensor) -> Tensor:
        x = nn.functional.pad(g * self.scale, (0, self.L - self.D))
        x = (fwht(x) * self.G)[..., self.Pi_inverse]
        return fwht(x)[..., : self.d] * self.B[: self.d]


def make_projection(
    kind: str,
    D: int,
    d: int,
    seed: int | torch.Generator = 0,
    layer_sizes: Sequence[int] | None = None,
) -> Projection:
    """A projection by name: ``"dense"``, ``"sparse"`` or ``"fastfood"``.

    Parameters
    ----------
    kind : str
        Dense is exact and costs ``O(D d)``; sparse ``O(d sqrt(D))``; Fastfood ``O(D log D)``.
    layer_sizes : sequence of int, optional
        Used by the sparse projection only.

    Raises
    ------
    ValueError
        If ``kind`` is unknown or a size is out of range.
    """
    check_choice(kind, "projection", ("dense", "sparse", "fastfood"))
    if kind == "sparse":
        return SparseProjection(D, d, seed, layer_sizes=layer_sizes)
    return {"dense": DenseProjection, "fastfood": FastfoodProjection}[kind](D, d, seed)


def _sparse_layer(
    size: int, d: int, density: float, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Rows, columns and values of the non-zero entries of one layer's (size, d) matrix.

    Walking the entries one after another, the gaps between hits are geometric: that draws the
    same independent coin flips at a cost that grows with the hits only.
    """
    total = size * d
    if density < 1:
        guess = int(total * density + 10 * math.sqrt(total * density) + 20)
        gaps = torch.empty(guess, dtype=torch.float64).geometric_(density, generator=generator)
        position = gaps.cumsum(0).long() - 1
        position = position[position < total]
    else:
        position = torch.arange(total)
    sign = 2.0 * torch.randint(0, 2, position.shape, generator=generator) - 1
    return position // d, position % d, sign / math.sqrt(density)


def _fill_empty(
    row: Tensor, column: Tensor, value: Tensor, D: int, d: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Give a column that came out empty one entry, so that it has a length (tiny D only)."""
    empty = (torch.bincount(column, minlength=d) == 0).nonzero()[:, 0]
    extra = torch.randint(0, D, empty.shape, generator=generator)
    ones = torch.ones(empty.shape)
    return torch.cat((row, extra)), torch.cat((column, empty)), torch.cat((value, ones))


def _density(density: float | str, size: int) -> float:
    if density == "auto":
        return 1 / math.sqrt(size)
    if isinstance(density, str):
        raise ValueError(f"density must be 'auto' or a number in (0, 1], got {density!r}")
    return check_number(density, "density", low=0, low_open=True, high=1)


def _check_layers(layer_sizes: Sequence[int] | None, D: int) -> list[int]:
    sizes = [D] if layer_sizes is None else [check_integer(s, "layer_sizes") for s in layer_sizes]
    if sum(sizes) != D or min(sizes, default=0) < 1:
        raise ValueError(f"layer_sizes must be positive and sum to D={D}, got {sizes}")
    return sizes


def _check_last_axis(x: Tensor, size: int, name: str) -> Tensor:
    if not isinstance(x, Tensor) or not x.is_floating_point():
        raise TypeError(f"{name} must be a floating-point tensor, got {_kind(x)}")
    if x.ndim == 0 or x.shape[-1] != size:
        raise ValueError(f"{name} must have shape (..., {size}), got {tuple(x.shape)}")
    return x


def _check_shape(x: Tensor, L: int, name: str) -> Tensor:
    if not isinstance(x, Tensor):
        raise TypeError(f"{name} must be a tensor, got {_kind(x)}")
    if x.shape != (L,):
        raise ValueError(f"{name} must have shape ({L},), got {tuple(x.shape)}")
    return x


def _check_signs(B: Tensor, L: int) -> Tensor:
    B = _check_shape(B, L, "B").float()
    if not (B.abs() == 1).all():
        raise ValueError("B must hold +1 and -1 only")
    return B


def _check_permutation(Pi: Tensor, L: int) -> Tensor:
    Pi = _check_shape(Pi, L, "Pi").long()
    if not torch.equal(Pi.sort().values.cpu(), torch.arange(L)):
        raise ValueError(f"Pi must be a permutation of 0..{L - 1}")
    return Pi


def _check_diagonal(G: Tensor, L: int) -> Tensor:
    G = _check_shape(G, L, "G").float()
    if not torch.isfinite(G).all() or not G.any():
        raise ValueError("G must be finite and not all zero")
    return G


def _kind(x: Any) -> str:
    return f"dtype {x.dtype}" if isinstance(x, Tensor) else type(x).__name__
