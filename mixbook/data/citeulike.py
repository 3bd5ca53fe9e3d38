"""Reading lists of CiteULike: users, papers, citations between papers, and tags."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from mixbook.data.registry import fetch

__all__ = ["CiteULike", "load_citeulike_a"]


@dataclass(frozen=True)
class CiteULike:
    """Who put which paper on their list.

    Attributes
    ----------
    users : csr_array of shape (5551, 16980), int64
        1 where a user has the paper in the library; 204,986 pairs, at least 10 a user.
    citations : csr_array of shape (16980, 16980), int64
        1 where one of two papers cites the other; symmetric, 89,418 entries, of which 96 stand on
        the diagonal (papers linked with themselves), as in the file.
    tags : csr_array of shape (16980, 46391), int64
        1 where some user gave the paper the tag; 3,461 papers have none.
    """

    users: sparse.csr_array
    citations: sparse.csr_array
    tags: sparse.csr_array


def load_citeulike_a() -> CiteULike:
    """The data set *citeulike-a*: 5,551 users and 16,980 papers.

    Collected by Wang and Blei (KDD 2011) and extended with citations and tags by Wang, Chen and
    Li, *Collaborative Topic Regression with Social Regularization for Tag Recommendation*, IJCAI
    2013; repository js05212/citeulike-a. That repository states no licence and asks to cite the
    IJCAI paper. Three text files, 4 MB in all.

    Returns
    -------
    CiteULike

    Raises
    ------
    DataError
        If a file cannot be had, or does not have the registered checksum.
    """
    users = _lists("users.dat")
    n_papers = 16_980
    return CiteULike(
        users=_incidence(users, n_papers),
        citations=_incidence(_lists("citations.dat"), n_papers),
        tags=_incidence(_lists("item-tag.dat"), None),
    )


def _lists(name: str) -> list[np.ndarray]:
    """Each line is a count followed by that many 0-based ids."""
    lines = fetch(f"citeulike_a/{name}").read_text("ascii").splitlines()
    return [np.array(line.split(), dtype=np.int64)[1:] for line in lines]


def _incidence(lists: list[np.ndarray], width: int | None) -> sparse.csr_array:
    columns = np.concatenate(lists)
    starts = np.concatenate([[0], np.cumsum([len(ids) for ids in lists])])
    shape = (len(lists), int(columns.max()) + 1 if width is None else width)
    table = sparse.csr_array((np.ones_like(columns), columns, starts), shape=shape)
    table.sum_duplicates()
    table.data[:] = 1
    return table
