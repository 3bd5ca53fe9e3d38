"""Worms whose working groups are known, and weighted graphs whose communities are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import brentq

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer, check_number
from mixbook.networks.dynamic_connectome.affinity import pair_indices

__all__ = [
    "GROUPS",
    "Group",
    "WormTruth",
    "simulate_driver",
    "simulate_worms",
    "weighted_planted_graph",
]

SIGMA = 3.0  # frames; width of all simulated signals


class Group(NamedTuple):
    """Neurons ``first`` to ``last - 1`` work together in some frames of some animals."""

    first: int
    last: int
    start: int
    stop: int
    animals: tuple[int, int]


# For 30 neurons, 240 frames and 8 animals; other sizes scale these numbers.
GROUPS = (
    Group(0, 8, 20, 80, (0, 8)),
    Group(8, 16, 80, 140, (0, 8)),
    Group(16, 24, 140, 220, (0, 4)),
    Group(4, 12, 160, 220, (4, 8)),
)


@dataclass(frozen=True)
class WormTruth:
    """What was planted, in the form of factors; one column a group.

    Attributes
    ----------
    time : array of shape (T, G)
        Smoothed indicator of the frames in which a group works.
    animals : array of shape (W, G)
        1 in the animals that have the group.
    members : bool array of shape (N, G)
    """

    time: Float[np.ndarray, "T G"]
    animals: Float[np.ndarray, "W G"]
    members: Bool[np.ndarray, "N G"]

    @property
    def pairs(self) -> Float[np.ndarray, "P G"]:
        """1 where both neurons of a pair are in the group."""
        i, j = pair_indices(len(self.members)).T
        return (self.members[i] & self.members[j]).astype(float)

    @property
    def factors(self) -> list[np.ndarray]:
        """Time, animals, pairs."""
        return [self.time, self.animals, self.pairs]


def simulate_worms(
    random_state: int | np.random.Generator | None = None,
    n_animals: int = 8,
    n_neurons: int = 30,
    n_frames: int = 240,
    *,
    groups: Sequence[Group] = GROUPS,
    gain: float = 2.0,
    noise: float = 0.2,
    drift: float = 0.0,
) -> tuple[Float[np.ndarray, "W N T"], WormTruth]:
    """Traces of neurons that form groups at certain times in certain animals.

    Each trace is a private smooth signal of unit spread, plus the drive of its groups while they
    work (again smooth with unit spread, times ``gain`` and a factor U(0.7, 1.3) of the neuron),
    plus white noise. Drives and factors differ between animals.

    Parameters
    ----------
    groups : sequence of Group
        In units of 8 animals, 30 neurons and 240 frames, and scaled to the sizes asked for.
    gain, noise : float
    drift : float
        Spread of a random walk that is added to each trace.

    Returns
    -------
    traces : array of shape (W, N, T)
    truth : WormTruth
    """
    shape = _check_sizes(n_animals, n_neurons, n_frames)
    for value, name in ((gain, "gain"), (noise, "noise"), (drift, "drift")):
        check_number(value, name, low=0)
    truth = _truth(groups, *shape)
    rng = as_rng(random_state)
    # Eq. (18)
    traces = _smooth(rng, shape)
    drive = gain * _smooth(rng, (n_animals, truth.time.shape[1], n_frames)) * truth.time.T
    share = rng.uniform(0.7, 1.3, (n_animals, *truth.members.shape)) * truth.members
    traces += (share * truth.animals[:, None]) @ drive
    traces += noise * rng.normal(size=shape)
    if drift:
        walk = rng.normal(size=shape).cumsum(axis=2)
        traces += (
            drift * (walk - walk.mean(axis=2, keepdims=True)) / walk.std(axis=2, keepdims=True)
        )
    return traces, truth


def _check_sizes(n_animals: Any, n_neurons: Any, n_frames: Any) -> tuple[int, int, int]:
    return (
        check_integer(n_animals, "n_animals", low=2),
        check_integer(n_neurons, "n_neurons", low=8),
        check_integer(n_frames, "n_frames", low=40),
    )


def _smooth(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    x = gaussian_filter1d(rng.normal(size=shape), SIGMA, mode="nearest")
    return x / x.std(axis=-1, keepdims=True)


def _truth(groups: Sequence[Group], n_animals: int, n_neurons: int, n_frames: int) -> WormTruth:
    time = np.zeros((n_frames, len(groups)))
    animals = np.zeros((n_animals, len(groups)))
    members = np.zeros((n_neurons, len(groups)), dtype=bool)
    for at, group in enumerate(groups):
        ends = np.array(group[:4]) * np.repeat([n_neurons / 30, n_frames / 240], 2)
        first, last, start, stop = np.rint(ends).astype(int)
        low, high = np.rint(np.array(group.animals) * n_animals / 8).astype(int)
        members[first:last, at] = True
        time[start:stop, at] = 1.0
        animals[low:high, at] = 1.0
    return WormTruth(gaussian_filter1d(time, SIGMA, axis=0, mode="nearest"), animals, members)


def simulate_driver(
    random_state: int | np.random.Generator | None = None,
    n_animals: int = 8,
    n_neurons: int = 30,
    n_frames: int = 240,
    *,
    silence: bool = False,
    gain: float = 2.0,
    noise: float = 0.2,
) -> tuple[Float[np.ndarray, "W N T"], int, Int[np.ndarray, " followers"]]:
    """Traces in which one neuron causes the activity of seven others.

    All neurons have private signals. In the middle third of the frames the followers also receive
    the driver's own signal, one frame later, times ``gain`` and U(0.7, 1.3). In the first third
    another group of eight receives a common drive from outside, so that not each group has a
    driver. Neurons are numbered at random.

    Parameters
    ----------
    silence : bool
        Whether the driver is silenced: its own trace is then noise and its followers receive
        nothing. Everything else that is random stays the same for an equal seed.

    Returns
    -------
    traces : array of shape (W, N, T)
    driver : int
    followers : int array of shape (7,)
    """
    shape = _check_sizes(n_animals, n_neurons, n_frames)
    check_integer(n_neurons, "n_neurons", low=16)
    check_number(gain, "gain", low=0)
    check_number(noise, "noise", low=0)
    rng = as_rng(random_state)
    names = rng.permutation(n_neurons)
    driver, followers, others = int(names[0]), names[1:8], names[8:16]
    third = n_frames // 3
    window = np.zeros((2, n_frames))
    window[0, third // 8 : third] = window[1, third : 2 * third] = 1.0
    window = gaussian_filter1d(window, SIGMA, axis=1, mode="nearest")
    traces = _smooth(rng, shape)
    outside = _smooth(rng, (n_animals, n_frames)) * window[0]
    share = rng.uniform(0.7, 1.3, (n_animals, 15, 1))
    white = noise * rng.normal(size=shape)
    if silence:
        traces[:, driver] = 0.0
    signal = np.roll(traces[:, driver], 1, axis=1) * window[1]
    traces[:, followers] += gain * share[:, :7] * signal[:, None]
    traces[:, others] += gain * share[:, 7:] * outside[:, None]
    return traces + white, driver, followers


def weighted_planted_graph(
    N: int = 125,
    k: float = 25,
    kmax: int = 100,
    mu_t: float = 0.5,
    mu_w: float = 0.5,
    beta: float = 2.0,
    t1: float = 2.0,
    t2: float = 1.0,
    random_state: int | np.random.Generator | None = None,
) -> tuple[Float[np.ndarray, "n n"], Int[np.ndarray, " n"]]:
    """Weighted graph with planted communities, in the manner of the LFR benchmark.

    Degrees follow a power law with exponent ``t1`` between a smallest degree, chosen such that the
    mean is ``k``, and ``kmax``; sizes of communities one with exponent ``t2`` in the same range.
    A share ``mu_t`` of the edges of a node leaves its community, and a share ``mu_w`` of its
    strength, which is its degree to the power ``beta``; weights meet these sums as well as the
    graph allows, and are U(0.5, 1.5) apart from that. There are at least two communities.

    Returns
    -------
    W : array of shape (N, N)
        Symmetric, empty diagonal.
    labels : int array of shape (N,)
    """
    check_integer(N, "N", low=10)
    check_integer(kmax, "kmax", low=2, high=N - 1)
    check_number(k, "k", low=1, high=kmax, high_open=True)
    for value, name in ((mu_t, "mu_t"), (mu_w, "mu_w")):
        check_number(value, name, low=0, high=1)
    for value, name in ((beta, "beta"), (t1, "t1"), (t2, "t2")):
        check_number(value, name, low=0)
    rng = as_rng(random_state)
    kmin = _smallest_degree(k, kmax, t1)
    if 2 * kmin > N:
        raise ValueError(f"k must leave room for two communities of {kmin:.0f} nodes, got k = {k}")
    degree = np.rint(_power_law(rng, N, kmin, kmax, t1)).astype(int)
    labels = _assign(rng, degree, _community_sizes(rng, N, kmin, kmax, t2), 1 - mu_t)
    inside = np.rint((1 - mu_t) * degree).astype(int)
    within = labels[:, None] == labels
    W = np.zeros((N, N))
    for ends, allowed, share in ((inside, within, 1 - mu_w), (degree - inside, ~within, mu_w)):
        A = _wire(rng, ends, allowed)
        W += _weigh(rng, A, share * degree.astype(float) ** beta)
    return W, labels


def _power_law(
    rng: np.random.Generator, size: int, low: float, high: float, exponent: float
) -> np.ndarray:
    """Continuous power law by inversion."""
    u, a = rng.random(size), 1 - exponent
    if abs(a) < 1e-9:
        return low * (high / low) ** u
    return (low**a + u * (high**a - low**a)) ** (1 / a)


def _mean_degree(low: float, high: float, exponent: float) -> float:
    u = (np.arange(2000) + 0.5) / 2000
    a = 1 - exponent
    if abs(a) < 1e-9:
        return float((low * (high / low) ** u).mean())
    return float(((low**a + u * (high**a - low**a)) ** (1 / a)).mean())


def _smallest_degree(k: float, kmax: int, exponent: float) -> float:
    def excess(low: float) -> float:
        return _mean_degree(low, kmax, exponent) - k

    return 1.0 if excess(1.0) >= 0 else float(brentq(excess, 1.0, kmax - 1e-6))


def _community_sizes(
    rng: np.random.Generator, n: int, low: float, high: float, exponent: float
) -> np.ndarray:
    smallest = max(int(np.ceil(low)), 2)
    largest = min(high, n - smallest)
    while True:
        sizes: list[int] = []
        while sum(sizes) < n:
            sizes.append(int(np.rint(_power_law(rng, 1, smallest, largest, exponent)[0])))
        sizes[-1] -= sum(sizes) - n
        if len(sizes) > 1 and min(sizes) >= smallest:
            return np.array(sizes)


def _assign(
    rng: np.random.Generator, degree: np.ndarray, sizes: np.ndarray, inside: float
) -> np.ndarray:
    """Communities for nodes, the busiest first, among those large enough that have room."""
    labels, room = np.full(len(degree), -1), sizes.copy()
    for node in np.argsort(-degree, kind="stable"):
        fits = (room > 0) & (sizes > inside * degree[node])
        if not fits.any():
            fits = room == room.max()
        p = room * fits
        labels[node] = rng.choice(len(sizes), p=p / p.sum())
        room[labels[node]] -= 1
    return labels


def _wire(rng: np.random.Generator, ends: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Simple graph with about these degrees on allowed pairs; ends without a partner are lost."""
    A = np.zeros(allowed.shape, dtype=bool)
    left = ends.copy()
    for _ in range(100):
        stubs = rng.permutation(np.repeat(np.arange(len(left)), left))
        i, j = stubs[: len(stubs) // 2], stubs[len(stubs) // 2 : 2 * (len(stubs) // 2)]
        good = (i != j) & allowed[i, j] & ~A[i, j]
        pairs = np.unique(np.sort(np.stack([i[good], j[good]], axis=1), axis=1), axis=0)
        A[pairs[:, 0], pairs[:, 1]] = A[pairs[:, 1], pairs[:, 0]] = True
        left = np.maximum(ends - A.sum(axis=1), 0)
        if left.sum() < 2:
            break
    return A


def _weigh(rng: np.random.Generator, A: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Weights a_i a_j u_ij with u from U(0.5, 1.5) and row sums near ``strength``."""
    u = np.triu(rng.uniform(0.5, 1.5, A.shape) * A, 1)
    u = u + u.T
    a = np.ones(len(A))
    for _ in range(200):
        row = a * (u @ a)
        # Eq. (19)
        a = a * np.sqrt(np.divide(strength, row, out=np.ones_like(row), where=row > 0))
    return np.outer(a, a) * u
