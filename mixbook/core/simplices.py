"""The data structure: node sets with a time."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from mixbook.core.validation import check_integer

__all__ = ["TemporalSimplices"]


@dataclass(frozen=True, eq=False, repr=False)
class TemporalSimplices:
    """A list of timestamped simplices (node sets), stored flat.

    Simplex ``s`` holds the nodes ``members[offsets[s]:offsets[s + 1]]``, sorted and 0-based, and
    happened at ``times[s]``. Make one with :meth:`from_simplices`, :meth:`from_arrays` or
    :meth:`from_scholp`.

    Attributes
    ----------
    members : int array of shape (total,)
        Node ids of all simplices, one simplex after the other.
    offsets : int array of shape (m + 1,)
        Where each simplex starts; ``offsets[m] == total``.
    times : int array of shape (m,)
        Time of each simplex, in the unit of the data; not necessarily sorted.
    n_nodes : int
        Ids run from 0 to ``n_nodes - 1``; some of them may occur in no simplex.
    node_labels : tuple of str or None
        One name a node id.
    name : str
        Name of the network.
    """

    members: Int[np.ndarray, " total"]
    offsets: Int[np.ndarray, " m_plus_1"]
    times: Int[np.ndarray, " m"]
    n_nodes: int
    node_labels: tuple[str, ...] | None = None
    name: str = ""

    @classmethod
    def from_arrays(
        cls,
        simplices_flat: Any,
        nverts: Any,
        times: Any,
        one_based: bool = True,
        *,
        n_nodes: int | None = None,
        node_labels: Sequence[str] | None = None,
        name: str = "",
    ) -> TemporalSimplices:
        """Build from the three flat vectors of the ScHoLP text files.

        Parameters
        ----------
        simplices_flat : array-like of int, shape (total,)
            Concatenated node ids.
        nverts : array-like of int, shape (m,)
            Size of each simplex, at least 1.
        times : array-like of int, shape (m,)
            Time of each simplex.
        one_based : bool
            Whether ids start at 1, as in the published files; they are stored from 0.
        n_nodes : int, optional
            Number of ids; default the largest id that occurs.
        node_labels : sequence of str, optional
            One name a node.

        Raises
        ------
        TypeError
            If an array does not hold integers.
        ValueError
            If lengths disagree, a size is below 1, an id is out of range, or a simplex names a
            node twice.
        """
        members = _as_integers(simplices_flat, "simplices_flat") - int(bool(one_based))
        sizes, when = _as_integers(nverts, "nverts"), _as_integers(times, "times")
        _check_lengths(members, sizes, when)
        n_nodes = _check_ids(members, n_nodes, bool(one_based))
        if node_labels is not None and len(node_labels) != n_nodes:
            raise ValueError(
                f"node_labels must name all {n_nodes} nodes, got {len(node_labels)} labels"
            )
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        members = _sort_within(members, offsets)
        labels = None if node_labels is None else tuple(map(str, node_labels))
        return cls(members, offsets, when, n_nodes, labels, str(name))

    @classmethod
    def from_simplices(
        cls, simplices: Iterable[Iterable[int]], times: Any = None, **keywords: Any
    ) -> TemporalSimplices:
        """Build from a list of node sets with 0-based integer ids.

        Parameters
        ----------
        simplices : iterable of iterables of int
            The node sets.
        times : array-like of int, optional
            One time a simplex; default 0, 1, 2, ...
        **keywords
            ``n_nodes``, ``node_labels`` and ``name`` of :meth:`from_arrays`.
        """
        sets = [list(simplex) for simplex in simplices]
        flat = [node for simplex in sets for node in simplex]
        when = np.arange(len(sets)) if times is None else times
        return cls.from_arrays(flat, [len(s) for s in sets], when, one_based=False, **keywords)

    @classmethod
    def from_scholp(cls, directory: str | Path, name: str) -> TemporalSimplices:
        """Read ``<name>-{nverts,simplices,times}.txt`` (or ``.txt.gz``) in ``directory``.

        Raises
        ------
        FileNotFoundError
            If one of the three files is missing; the message names it.
        """
        directory = Path(directory)
        flat, nverts, times = (
            _read_integers(directory, f"{name}-{part}") for part in ("simplices", "nverts", "times")
        )
        n_nodes = int(flat.max(initial=0))
        labels = _read_labels(directory, f"{name}-node-labels", n_nodes)
        return cls.from_arrays(flat, nverts, times, n_nodes=n_nodes, node_labels=labels, name=name)

    @property
    def n_simplices(self) -> int:
        """Number of simplices, repetitions included."""
        return len(self.times)

    @property
    def sizes(self) -> Int[np.ndarray, " m"]:
        """Number of nodes of each simplex."""
        return np.diff(self.offsets)

    @cached_property
    def nodes(self) -> Int[np.ndarray, " seen"]:
        """Ids that occur in at least one simplex (one-node simplices included), sorted."""
        return np.unique(self.members)

    @property
    def simplices(self) -> list[Int[np.ndarray, " size"]]:
        """The node sets, as a list of sorted arrays."""
        return np.split(self.members, self.offsets[1:-1]) if self.n_simplices else []

    def __len__(self) -> int:
        return self.n_simplices

    def __iter__(self) -> Iterator[tuple[Int[np.ndarray, " size"], int]]:
        return iter(zip(self.simplices, self.times.tolist()))

    def __repr__(self) -> str:
        title = f"{self.name!r}, " if self.name else ""
        return f"TemporalSimplices({title}{self.n_simplices} simplices on {len(self.nodes)} nodes)"

    def select(self, keep: Any) -> TemporalSimplices:
        """The simplices at ``keep``, a boolean mask of shape (m,) or an array of indices."""
        index = np.arange(self.n_simplices)[keep]
        where = _concatenated_ranges(self.offsets[index], self.sizes[index])
        offsets = np.concatenate([[0], np.cumsum(self.sizes[index])]).astype(np.int64)
        return self._replace(self.members[where], offsets, self.times[index])

    def split(self, q1: float = 80, q2: float = 100) -> tuple[TemporalSimplices, TemporalSimplices]:
        """Cut time in two: up to the ``q1``-th percentile, and from there to the ``q2``-th.

        With ``c(q) = round(percentile of times)`` (over simplices, linear interpolation), the old
        part holds ``t <= c(q1)`` and the new part ``c(q1) < t <= c(q2)``.

        Raises
        ------
        ValueError
            If ``0 <= q1 < q2 <= 100`` does not hold, or there is no simplex.
        """
        if not 0 <= q1 < q2 <= 100:
            raise ValueError(f"q1 and q2 must satisfy 0 <= q1 < q2 <= 100, got {q1!r} and {q2!r}")
        if not self.n_simplices:
            raise ValueError("split needs at least one simplex, got none")
        # simplicial_closure: Eq. (7)
        first, second = np.rint(np.percentile(self.times, [q1, q2]))
        old, new = self.times <= first, (self.times > first) & (self.times <= second)
        return self.select(old), self.select(new)

    def backbone(self) -> TemporalSimplices:
        """Each distinct node set once, at its earliest time (first in the list among equals)."""
        by_time = np.argsort(self.times, kind="stable")
        first = np.unique(self.identity[by_time], return_index=True)[1]
        return self.select(np.sort(by_time[first]))

    def filter_size(self, lo: int, hi: int) -> TemporalSimplices:
        """The simplices with ``lo`` to ``hi`` nodes, both ends included."""
        lo = check_integer(lo, "lo", low=1)
        hi = check_integer(hi, "hi", low=lo)
        return self.select((self.sizes >= lo) & (self.sizes <= hi))

    def egonet(self, ego: int) -> TemporalSimplices:
        """Every simplex intersected with ``ego`` and its neighbours; empty ones are dropped.

        Ids keep their meaning. Neighbours are nodes that share a simplex with ``ego``.

        Raises
        ------
        ValueError
            If ``ego`` is in no simplex.
        """
        ego = check_integer(ego, "ego", low=0, high=self.n_nodes - 1)
        has_ego = np.add.reduceat(self.members == ego, self.offsets[:-1]) > 0
        if not has_ego.any():
            raise ValueError(f"ego must occur in a simplex, but node {ego} occurs in none")
        inside = np.zeros(self.n_nodes, dtype=bool)
        inside[self.select(has_ego).members] = True
        return self._restrict(inside)

    @cached_property
    def identity(self) -> Int[np.ndarray, " m"]:
        """A number for each simplex; equal numbers mean equal node sets."""
        identity = np.empty(self.n_simplices, dtype=np.int64)
        used = 0
        for size in np.unique(self.sizes):
            which = np.flatnonzero(self.sizes == size)
            rows = self.members[self.offsets[which][:, None] + np.arange(size)]
            identity[which] = used + _row_identity(rows)
            used = identity[which].max() + 1
        return identity

    def _restrict(self, inside: np.ndarray) -> TemporalSimplices:
        keep = inside[self.members]
        owner = np.repeat(np.arange(self.n_simplices), self.sizes)[keep]
        sizes = np.bincount(owner, minlength=self.n_simplices)
        offsets = np.concatenate([[0], np.cumsum(sizes[sizes > 0])]).astype(np.int64)
        return self._replace(self.members[keep], offsets, self.times[sizes > 0])

    def _replace(self, members, offsets, times) -> TemporalSimplices:
        return TemporalSimplices(members, offsets, times, self.n_nodes, self.node_labels, self.name)


def _row_identity(rows: np.ndarray) -> np.ndarray:
    """Number equal rows equally."""
    order = np.lexsort(rows.T[::-1])
    ordered = rows[order]
    changes = np.concatenate([[False], (ordered[1:] != ordered[:-1]).any(axis=1)])
    identity = np.empty(len(rows), dtype=np.int64)
    identity[order] = np.cumsum(changes)
    return identity


def _concatenated_ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """``arange(s, s + l)`` for each pair, one after the other."""
    shift = starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    return np.repeat(shift[: len(lengths)], lengths) + np.arange(lengths.sum())


def _sort_within(members: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Sort the nodes of each simplex; a repeated node is an error."""
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    members = members[np.lexsort((members, owner))]
    repeated = (members[1:] == members[:-1]) & (owner[1:] == owner[:-1])
    if repeated.any():
        where = int(np.flatnonzero(repeated)[0])
        raise ValueError(
            f"simplices_flat must hold sets, but simplex {owner[where]} names a node twice"
        )
    return members


def _as_integers(x: Any, name: str) -> np.ndarray:
    array = np.asarray(x)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {array.shape}")
    if array.size == 0:
        return np.zeros(0, dtype=np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, got dtype {array.dtype}")
    return array.astype(np.int64)


def _check_lengths(members: np.ndarray, sizes: np.ndarray, times: np.ndarray) -> None:
    if len(sizes) != len(times):
        raise ValueError(
            f"times must have one entry a simplex, got {len(times)} for {len(sizes)} simplices"
        )
    if (sizes < 1).any():
        raise ValueError(f"nverts must be at least 1, got {sizes.min()}")
    if sizes.sum() != len(members):
        raise ValueError(
            f"nverts must add up to the length of simplices_flat, got {sizes.sum()} "
            f"for {len(members)} entries"
        )


def _check_ids(members: np.ndarray, n_nodes: int | None, one_based: bool) -> int:
    lowest, highest = int(members.min(initial=0)), int(members.max(initial=-1))
    if lowest < 0:
        raise ValueError(
            f"node ids must be at least {int(one_based)}, got {lowest + int(one_based)}; "
            "say one_based=False if they start at 0"
        )
    if n_nodes is None:
        return highest + 1
    n_nodes = check_integer(n_nodes, "n_nodes", low=0)
    if highest >= n_nodes:
        raise ValueError(f"n_nodes must exceed the largest 0-based id, got {n_nodes} for {highest}")
    return n_nodes


def _open_text(directory: Path, stem: str) -> str | None:
    plain, packed = directory / f"{stem}.txt", directory / f"{stem}.txt.gz"
    if plain.exists():
        return plain.read_text(encoding="utf-8")
    if packed.exists():
        with gzip.open(packed, "rt", encoding="utf-8") as stream:
            return stream.read()
    return None


def _read_integers(directory: Path, stem: str) -> np.ndarray:
    text = _open_text(directory, stem)
    if text is None:
        raise FileNotFoundError(f"neither {stem}.txt nor {stem}.txt.gz is in {directory}")
    return np.array(text.split(), dtype=np.int64)


def _read_labels(directory: Path, stem: str, n_nodes: int) -> list[str] | None:
    text = _open_text(directory, stem)
    if text is None:
        return None
    labels = [""] * n_nodes
    for line in filter(None, text.splitlines()):
        number, *label = line.split(maxsplit=1)
        if 1 <= int(number) <= n_nodes:
            labels[int(number) - 1] = "".join(label).strip()
    return labels
