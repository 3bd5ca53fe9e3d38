"""Base vectors of queries and items: truncated SVD, and translation in the manner of TransE."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy import sparse
from scipy.sparse.linalg import svds
from torch import Tensor, nn

from mixbook.core.seeds import as_generator, as_rng, pick_device
from mixbook.core.training import minimise
from mixbook.core.validation import check_integer, check_number
from mixbook.mixtures.knn_embed._checks import as_interactions, unit_rows

__all__ = ["TransEBipartite", "svd_embeddings", "train_transe"]


def svd_embeddings(
    R: Any, dim: int, random_state: int | np.random.Generator | None = None
) -> tuple[Float[np.ndarray, "nq d"], Float[np.ndarray, "nt d"]]:
    """Unit vectors of queries and items from a truncated singular value decomposition, Eq. (8).

    The table is divided by the roots of its row and column sums first, so that neither long lists
    nor popular items dominate.

    Parameters
    ----------
    R : sparse or dense matrix of shape (nq, nt)
        Positive where query and item are joined.
    dim : int
        Number of dimensions, at most the smaller side of ``R``.
    random_state : int, numpy.random.Generator or None
        For the random start of the decomposition.

    Returns
    -------
    Q : float array of shape (nq, dim)
    I : float array of shape (nt, dim)
        Rows of length one; zero for queries and items that occur nowhere in ``R``.

    Raises
    ------
    TypeError, ValueError
        If ``R`` is no such matrix, or ``dim`` is out of range.
    """
    table = as_interactions(R)
    dim = check_integer(dim, "dim", low=1, high=min(table.shape))
    rows, columns = (np.maximum(np.asarray(table.sum(axis=axis)), 1.0) for axis in (1, 0))
    scaled = sparse.diags_array(rows**-0.5) @ table @ sparse.diags_array(columns**-0.5)
    start = as_rng(random_state).uniform(-1, 1, min(table.shape))
    # Eq. (8)
    if 3 * dim > min(table.shape):
        U, S, Vt = np.linalg.svd(scaled.toarray(), full_matrices=False)
        U, S, Vt = U[:, :dim], S[:dim], Vt[:dim]
    else:
        U, S, Vt = svds(scaled, k=dim, v0=start)
    root = np.sqrt(S * (1e-9 * S.max() < S))
    return unit_rows(U * root), unit_rows(Vt.T * root)


class TransEBipartite(nn.Module):
    """Vectors of queries and items and one translation between them, Eq. (9).

    Parameters
    ----------
    n_queries, n_items, dim : int
    generator : torch.Generator, optional
        For the random start.

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive integer.
    """

    def __init__(
        self, n_queries: int, n_items: int, dim: int = 64, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        for value, name in ((n_queries, "n_queries"), (n_items, "n_items"), (dim, "dim")):
            check_integer(value, name, low=1)

        def start(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator) * dim**-0.5)

        self.queries, self.items = start(n_queries, dim), start(n_items, dim)
        self.translation = nn.Parameter(torch.zeros(dim))

    def forward(self, q: Int[Tensor, " b"], t: Int[Tensor, " c"]) -> Float[Tensor, "b c"]:
        """Scores of all pairs of the queries ``q`` and the items ``t``, Eq. (9)."""
        # Eq. (9)
        return (self.queries[q] + self.translation) @ self.items[t].T

    def loss(
        self,
        q: Int[Tensor, " b"],
        t: Int[Tensor, " b"],
        log_popularity: Float[Tensor, " nt"] | None = None,
    ) -> Float[Tensor, ""]:
        """Softmax over the targets of the batch, Eq. (10).

        Other pairs of the batch with the same target are no negatives and are left out.

        Parameters
        ----------
        q, t : int tensors of shape (b,)
            Joined pairs.
        log_popularity : tensor of shape (n_items,), optional
            Subtracted from the scores, which corrects for popular items being negatives more often.
        """
        scores = self(q, t)
        if log_popularity is not None:
            scores = scores - log_popularity[t]
        same = (t[:, None] == t[None, :]).fill_diagonal_(False)
        # Eq. (10)
        return nn.functional.cross_entropy(
            scores.masked_fill(same, -torch.inf), torch.arange(len(q), device=q.device)
        )


def train_transe(
    R: Any,
    dim: int = 64,
    *,
    n_epochs: int = 20,
    batch_size: int = 1024,
    lr: float = 1e-2,
    correct_popularity: bool = False,
    random_state: int | torch.Generator | None = None,
    device: str = "cpu",
    progress: bool = False,
) -> tuple[Float[np.ndarray, "nq d"], Float[np.ndarray, "nt d"]]:
    """Train `TransEBipartite` on the pairs of ``R``.

    Parameters
    ----------
    R : sparse or dense matrix of shape (nq, nt)
    dim, n_epochs, batch_size : int
        Batches are drawn with replacement; an epoch is as many as cover all pairs.
    lr : float
        Learning rate of Adam.
    correct_popularity : bool
        Subtract the logarithm of each item's degree inside the softmax.
    random_state : int, torch.Generator or None
    device : str
    progress : bool
        Show a progress bar.

    Returns
    -------
    Q : float array of shape (nq, dim)
        ``e_q + r`` of unit length: what is compared with items. Zero for queries without items.
    I : float array of shape (nt, dim)
        ``e_t`` of unit length; zero for items that nobody has.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    """
    table = as_interactions(R)
    dim, n_epochs = check_integer(dim, "dim", low=1), check_integer(n_epochs, "n_epochs", low=1)
    batch_size = check_integer(batch_size, "batch_size", low=2)
    check_number(lr, "lr", low=0, low_open=True)
    where = pick_device(device)
    generator = as_generator(random_state)
    n_queries, n_items = table.shape
    model = TransEBipartite(n_queries, n_items, dim, generator).to(where)
    pairs = torch.from_numpy(np.array(table.nonzero(), dtype=np.int64))
    degree = np.asarray(table.sum(axis=0))
    log_popularity = None
    if correct_popularity:
        log_popularity = torch.from_numpy(np.log(np.maximum(degree, 1))).float().to(where)

    def loss() -> Tensor:
        chosen = torch.randint(pairs.shape[1], (batch_size,), generator=generator)
        q, t = pairs[:, chosen].to(where)
        return model.loss(q, t, log_popularity)

    n_steps = n_epochs * -(-pairs.shape[1] // batch_size)
    minimise(loss, model.parameters(), n_steps, lr=lr, progress=progress, description="TransE")
    with torch.no_grad():
        Q = (model.queries + model.translation).cpu().double().numpy()
        I = model.items.cpu().double().numpy()
    has_items = np.asarray(table.sum(axis=1)) > 0
    return unit_rows(Q * has_items[:, None]), unit_rows(I * (degree > 0)[:, None])
