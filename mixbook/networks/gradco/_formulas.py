"""The formula of each orbit adjacency: sums of products of sparse matrices.

``on_graph(A, X, Y)`` is ``A o (X Y)`` and ``off_graph(A, X, Y, S)`` is ``non(X Y - S)``: each forms
only the entries that are wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from jaxtyping import Int
from scipy import sparse

from mixbook.networks.gradco._sparse import off_graph, on_graph, pairs, tidy, weigh_columns

__all__ = ["FORMULAS", "Kind", "Parts", "claw_leaves", "path_ends"]

Kind = tuple[int, int, int]
Formula = Callable[["Parts", slice], sparse.csr_array]
Whole = Callable[["Parts"], sparse.csr_array]

FORMULAS: dict[Kind, Formula] = {}
"""Kind -> function(parts, rows); the mirrored kinds (b, a) are transposes and have none."""


class Parts:
    """Matrices from which the orbit adjacencies of one graph are put together, each made once.

    Parameters
    ----------
    A : csr_array of shape (n, n), int64
        0-1, symmetric, no loops.
    """

    def __init__(self, A: sparse.csr_array) -> None:
        self.A = A
        self.degrees: Int[np.ndarray, " n"] = np.diff(A.indptr).astype(np.int64)

    @cached_property
    def T(self) -> sparse.csr_array:
        """Triangles on each edge."""
        # Eq. (1)
        return on_graph(self.A, self.A, self.A)

    @cached_property
    def W(self) -> sparse.csr_array:
        """Common neighbours of each pair that is not joined."""
        # Eq. (2)
        return off_graph(self.A, self.A, self.A)

    @cached_property
    def N(self) -> sparse.csr_array:
        """Edge x node incidence of triangles (the transpose of N in the text)."""
        u, v = sparse.triu(self.A).nonzero()
        # Eq. (3)
        return sparse.csr_array(self.A[u].multiply(self.A[v]), dtype=np.int64)

    @cached_property
    def K(self) -> sparse.csr_array:
        """4-cliques on each edge."""
        # Eq. (3)
        return on_graph(self.A, sparse.csr_array(self.N.T), self.N)

    @cached_property
    def Q(self) -> sparse.csr_array:
        """Edges among the common neighbours of each pair that is not joined."""
        # Eq. (3)
        return off_graph(self.A, sparse.csr_array(self.N.T), self.N)

    @cached_property
    def M(self) -> sparse.csr_array:
        """Neighbours of v, other than u, that are not joined to u."""
        # Eq. (4)
        return tidy(weigh_columns(self.A, self.degrees) - self.A - self.T)

    @cached_property
    def AD(self) -> sparse.csr_array:
        """``A diag(d)``."""
        return weigh_columns(self.A, self.degrees)

    @cached_property
    def AT(self) -> sparse.csr_array:
        """``A o (A T)``; its transpose is ``A o (T A)``."""
        return on_graph(self.A, self.A, self.T)

    @cached_property
    def diamond_rim(self) -> sparse.csr_array:
        """(1, 12, 13)."""
        # Eq. (7)
        return tidy(self.AT - self.T - 2 * self.K)

    @cached_property
    def square_diagonals(self) -> sparse.csr_array:
        """(2, 8, 8)."""
        # Eq. (8)
        return tidy(pairs(self.W) - self.Q)

    @cached_property
    def square_sides(self) -> sparse.csr_array:
        """(1, 8, 8)."""
        # Eq. (9)
        return tidy(on_graph(self.A, self.W, self.A) - self.M - self.diamond_rim)

    @cached_property
    def paw_tail(self) -> sparse.csr_array:
        """(1, 9, 11)."""
        t = np.asarray(self.T.sum(axis=1)).astype(np.int64) // 2
        # Eq. (10)
        return tidy(weigh_columns(self.A, t) - self.AT + self.K)

    @cached_property
    def paw_tip(self) -> sparse.csr_array:
        """(2, 9, 10)."""
        # Eq. (13)
        return off_graph(self.A, self.A, self.T, 2 * self.Q)


def _whole(*kind: int) -> Callable[[Whole], Whole]:
    """Register the formula of a matrix that is cheap to hold: computed whole, then cut."""

    def register(formula: Whole) -> Whole:
        FORMULAS[kind] = lambda parts, rows: formula(parts)[rows]  # type: ignore[index]
        return formula

    return register


def _by_rows(*kind: int) -> Callable[[Formula], Formula]:
    """Register the formula of a matrix that may be dense: only the wanted rows are computed."""

    def register(formula: Formula) -> Formula:
        FORMULAS[kind] = formula  # type: ignore[index]
        return formula

    return register


# Eq. (5): these are parts themselves.
_whole(1, 0, 0)(lambda g: g.A)
_whole(1, 1, 2)(lambda g: g.M)
_whole(1, 3, 3)(lambda g: g.T)
_whole(1, 14, 14)(lambda g: g.K)
_whole(2, 1, 1)(lambda g: g.W)
_whole(2, 12, 12)(lambda g: g.Q)
# Eqs. (7) to (10) and (13): others need them too.
_whole(1, 12, 13)(lambda g: g.diamond_rim)
_whole(2, 8, 8)(lambda g: g.square_diagonals)
_whole(1, 8, 8)(lambda g: g.square_sides)
_whole(1, 9, 11)(lambda g: g.paw_tail)
_whole(2, 9, 10)(lambda g: g.paw_tip)


@_whole(1, 13, 13)
def diamond_axis(g: Parts) -> sparse.csr_array:
    # Eq. (6)
    return tidy(pairs(g.T) - g.K)


@_whole(1, 10, 10)
def paw_base(g: Parts) -> sparse.csr_array:
    # Eq. (11)
    return tidy(on_graph(g.A, g.AD, g.A) - sparse.csr_array(g.AT.T) - g.AT + 2 * g.K)


@_whole(1, 10, 11)
def paw_side(g: Parts) -> sparse.csr_array:
    # Eq. (12)
    return tidy(weigh_columns(g.T, g.degrees) - g.T.multiply(g.T) - g.AT + 2 * g.K)


@_whole(1, 6, 7)
def claw_arm(g: Parts) -> sparse.csr_array:
    # Eq. (14)
    return tidy(pairs(g.M) - g.paw_tail)


@_by_rows(2, 6, 6)
def claw_leaves(g: Parts, rows: slice = slice(None)) -> sparse.csr_array:
    """(2, 6, 6): claws of which both nodes are leaves.

    ``non(M A)`` counts centres x with a leaf y: x is joined to u, v and y, and neither v nor y is
    joined to u. Take off the cases y = v, which W counts, and y joined to v, which are paws with
    tail u.

    Parameters
    ----------
    g : Parts
    rows : slice
        Rows wanted.

    Returns
    -------
    csr_array of shape (rows, n), int64
    """
    # Eq. (15)
    return off_graph(g.A, g.M, g.A, g.W + g.paw_tip, rows)


@_whole(1, 5, 5)
def path_middle(g: Parts) -> sparse.csr_array:
    # Eq. (16)
    return tidy(g.M.multiply(sparse.csr_array(g.M.T)) - g.square_sides)


@_whole(1, 4, 5)
def path_end(g: Parts) -> sparse.csr_array:
    s, Mt = np.asarray(g.M.sum(axis=1)).astype(np.int64), sparse.csr_array(g.M.T)
    # Eq. (17)
    return tidy(weigh_columns(g.A, s) - Mt - on_graph(g.A, g.A, Mt) - g.square_sides)


@_by_rows(2, 4, 5)
def path_two_steps(g: Parts, rows: slice) -> sparse.csr_array:
    # Eq. (18)
    return off_graph(g.A, g.A, g.M, 2 * g.square_diagonals, rows)


@_by_rows(3, 4, 4)
def path_ends(g: Parts, rows: slice = slice(None)) -> sparse.csr_array:
    """(3, 4, 4): paths of four nodes of which both are ends.

    ``non(W A)`` counts paths u-x-y-v in which u is joined to neither y nor v. Take off the cases
    in which x is joined to v: paws with tail u.

    Parameters
    ----------
    g : Parts
    rows : slice
        Rows wanted.

    Returns
    -------
    csr_array of shape (rows, n), int64
    """
    # Eq. (19)
    return off_graph(g.A, g.W, g.A, g.paw_tip, rows)
