"""The inverted pendulum: a vectorised cart-pole, and evolution strategies in a subspace."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from tqdm.auto import trange

from mixbook.core.seeds import as_generator, as_rng
from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.landscapes.intrinsic_dimension.networks import fc_net
from mixbook.landscapes.intrinsic_dimension.projections import make_projection
from mixbook.landscapes.intrinsic_dimension.subspace import FlatNetwork
from mixbook.landscapes.intrinsic_dimension.training import as_integers

__all__ = ["CartPole", "cartpole_policy", "es_subspace", "rollout"]

_ANGLE_LIMIT = 12 * np.pi / 180
_STEPS_BETWEEN_CHECKS = 10


class CartPole:
    """Many carts with a hinged pole, stepped together (Barto, Sutton and Anderson 1983).

    A state is (position m, velocity m/s, angle rad, angular velocity rad/s). An episode ends when
    the cart leaves +-2.4 m, the pole leans more than 12 degrees, or after ``max_steps`` steps; each
    step taken is worth 1, so the best return is ``max_steps``.

    Parameters
    ----------
    n : int
        Number of carts.
    max_steps : int
        Length of an episode at most; 200 is the classic task, "solved" from a mean of 195.

    Attributes
    ----------
    state : ndarray of shape (n, 4)
    done : ndarray of shape (n,)
        Carts whose episode is over; their state no longer changes.
    returns : ndarray of shape (n,)
        Steps survived so far, the failing one included.
    """

    gravity = 9.8  # m / s^2
    cart_mass = 1.0  # kg
    pole_mass = 0.1  # kg
    half_length = 0.5  # m, hinge to centre of mass
    force = 10.0  # N
    dt = 0.02  # s

    def __init__(self, n: int = 1, max_steps: int = 200) -> None:
        self.n = check_integer(n, "n", low=1)
        self.max_steps = check_integer(max_steps, "max_steps", low=1)
        self.reset(0)

    def reset(
        self, random_state: int | np.random.Generator | None = None
    ) -> Float[np.ndarray, "n 4"]:
        """Start all carts near the upright rest: each number uniform in +-0.05."""
        self.state = as_rng(random_state).uniform(-0.05, 0.05, (self.n, 4))
        self.done = np.zeros(self.n, dtype=bool)
        self.returns = np.zeros(self.n)
        return self.state

    def step(
        self, action: np.ndarray
    ) -> tuple[Float[np.ndarray, "n 4"], Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
        """Push each cart left (0) or right (1) for one time step.

        Returns
        -------
        state, reward, done
            Reward 1 for a cart whose episode was still running, else 0.

        Raises
        ------
        ValueError
            If ``action`` is not n zeros and ones.
        """
        action = np.asarray(action)
        if action.shape != (self.n,) or not np.isin(action, (0, 1)).all():
            raise ValueError(f"action must be {self.n} zeros or ones, got shape {action.shape}")
        alive = ~self.done
        push = np.where(action == 1, self.force, -self.force)
        self.state = np.where(alive[:, None], self._euler(push), self.state)
        self.returns = self.returns + alive
        x, angle = self.state[:, 0], self.state[:, 2]
        self.done = (
            self.done
            | (np.abs(x) > 2.4)
            | (np.abs(angle) > _ANGLE_LIMIT)
            | (self.returns >= self.max_steps)
        )
        return self.state, alive.astype(float), self.done

    def subset(self, keep: Bool[np.ndarray, " n"]) -> "CartPole":
        """The carts that ``keep`` marks, as they stand (at least one, or an empty shell)."""
        other = CartPole(max(int(keep.sum()), 1), self.max_steps)
        other.state, other.done, other.returns = (
            a[keep].copy() for a in (self.state, self.done, self.returns)
        )
        return other

    def _euler(self, push: np.ndarray) -> np.ndarray:
        """One explicit Euler step: all four derivatives are taken at the old state."""
        _x, v, angle, spin = self.state.T
        cart, pole = self._accelerations(push, angle, spin)
        change = np.stack((v, cart, spin, pole), axis=1)
        return self.state + self.dt * change

    def _accelerations(
        self, push: np.ndarray, angle: np.ndarray, spin: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        m, ell, total = self.pole_mass, self.half_length, self.pole_mass + self.cart_mass
        sin, cos = np.sin(angle), np.cos(angle)
        # Eq. (13)
        pull = (push + m * ell * spin**2 * sin) / total
        pole = (self.gravity * sin - cos * pull) / (ell * (4 / 3 - m * cos**2 / total))
        cart = pull - m * ell * pole * cos / total
        return cart, pole


class _Scale(nn.Module):
    """Divide a state by its typical size, so that no number of it drowns the others."""

    scale: Tensor
    row_by_row = True

    def __init__(self) -> None:
        super().__init__()
        scale = [2.4, 2.4, _ANGLE_LIMIT, 8 * _ANGLE_LIMIT]
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))

    def forward(self, state: Float[Tensor, "*n 4"]) -> Float[Tensor, "*n 4"]:
        return state / self.scale


def cartpole_policy(
    hidden: Sequence[int] = (16, 16), seed: int | torch.Generator = 0
) -> nn.Sequential:
    """A fully connected policy for :class:`CartPole`: two scores from a scaled state.

    Parameters
    ----------
    hidden : sequence of int
        Hidden widths; the paper's Q-network has (200, 200), 41,602 parameters.
    """
    return nn.Sequential(_Scale(), *fc_net([4, *hidden, 2], seed))


def rollout(
    policy: nn.Module | FlatNetwork,
    theta: Float[Tensor, "members D"],
    starts: Float[np.ndarray, "_ episodes 4"] | None = None,
    *,
    episodes: int = 8,
    max_steps: int = 200,
    random_state: int | np.random.Generator | None = 0,
) -> Float[np.ndarray, " members"]:
    """Mean return of each parameter vector, all members and episodes stepped together.

    Parameters
    ----------
    policy : nn.Module
        Maps states (n, 4) to two scores; the larger one is the action.
    theta : Tensor of shape (members, D)
        Parameter vectors.
    starts : ndarray of shape (members, episodes, 4) or (1, episodes, 4), optional
        First states; default: ``episodes`` random ones near rest, the same for all members.

    Returns
    -------
    ndarray of shape (members,)
        Between 1 and ``max_steps``.

    Raises
    ------
    ValueError
        If the shapes do not fit the policy.
    """
    network = policy if isinstance(policy, FlatNetwork) else FlatNetwork(policy)
    if theta.ndim != 2 or theta.shape[1] != network.D or len(theta) == 0:
        raise ValueError(f"theta must have shape (members, {network.D}), got {tuple(theta.shape)}")
    if starts is None:
        starts = _starts(check_integer(episodes, "episodes", low=1), as_rng(random_state))[None]
    if starts.ndim != 3 or starts.shape[0] not in (1, len(theta)) or starts.shape[2] != 4:
        raise ValueError(f"starts must have shape ({len(theta)}, episodes, 4), got {starts.shape}")
    shape = (len(theta), starts.shape[1])
    env = CartPole(shape[0] * shape[1], max_steps)
    env.state = np.broadcast_to(starts, (*shape, 4)).reshape(-1, 4).copy()
    returns, playing = np.zeros(len(theta)), np.arange(len(theta))
    with torch.no_grad():
        while len(playing):
            for _ in range(_STEPS_BETWEEN_CHECKS):
                states = torch.from_numpy(env.state.reshape(-1, shape[1], 4)).to(theta)
                env.step(network.members(theta, states).argmax(-1).flatten().cpu().numpy())
            returns[playing] = env.returns.reshape(-1, shape[1]).mean(axis=1)
            # most policies fall at once: go on with those that have not
            on = ~env.done.reshape(-1, shape[1]).all(axis=1)
            playing, theta = playing[on], theta[torch.from_numpy(on)]
            env = env.subset(np.repeat(on, shape[1]))
    return returns


def es_subspace(
    make_policy: Callable[[int], nn.Module],
    *,
    d: int | Sequence[int],
    seed: int | Sequence[int] = 0,
    projection: str = "dense",
    n_generations: int = 20,
    population: int = 16,
    sigma: float = 1.0,
    lr: float = 8.0,
    episodes: int = 4,
    test_episodes: int = 50,
    max_steps: int = 200,
    progress: bool = True,
) -> Float[np.ndarray, "n_d n_seeds"]:
    """Solve the cart-pole with evolution strategies inside random subspaces.

    Each generation tries ``t + sigma eps`` and ``t - sigma eps`` for population / 2 normal draws
    and moves t along the estimated gradient of the expected (rank-transformed) return, Eq. (14).
    The t that did best on its way (the paper takes the largest reward attained) is tested on
    new episodes.

    Parameters
    ----------
    make_policy : callable
        ``make_policy(seed)`` returns the network whose parameters are theta_0.
    d : int or sequence of int
        Dimensions, all run together.
    seed : int or sequence of int
        One run each: theta_0, P and the search.
    population : int
        Candidates a generation, even.
    sigma, lr : float
        Spread of the candidates, in units of t, and step size. Around theta_0 nearly all
        policies fail alike; candidates must reach far enough to see a difference.
    episodes, test_episodes : int
        Episodes a candidate, and episodes of the final test.

    Returns
    -------
    ndarray of shape (n_d, n_seeds)
        Mean return of the best t in new episodes, between 1 and ``max_steps``.

    Raises
    ------
    TypeError, ValueError
        If a setting is out of range; the message names it.
    """
    dims, seeds = as_integers(d, "d", 1), as_integers(seed, "seed", 0)
    _check_es(projection, n_generations, population, sigma, lr, episodes, test_episodes)
    search = _Search(make_policy, dims, seeds, projection)
    t = torch.zeros(len(seeds), len(dims), 1, max(dims))
    best, best_score = t, np.full((len(seeds), len(dims)), -np.inf)
    for _ in trange(n_generations, desc="evolution", disable=not progress, leave=False):
        eps = search.noise(population // 2)
        scores = search.returns(torch.cat((t, t + sigma * eps), dim=2), episodes, max_steps)
        better = scores[..., 0] >= best_score
        best = torch.where(torch.from_numpy(better)[..., None, None], t, best)
        best_score = np.where(better, scores[..., 0], best_score)
        t = t + lr * _es_gradient(scores[..., 1:], eps, sigma)
    return search.returns(best, test_episodes, max_steps)[..., 0].T


class _Search:
    """The subspaces of all seeds, with one stream of random numbers a seed."""

    def __init__(
        self,
        make_policy: Callable[[int], nn.Module],
        dims: list[int],
        seeds: list[int],
        projection: str,
    ) -> None:
        self.networks = [FlatNetwork(make_policy(s)) for s in seeds]
        D, sizes, top = self.networks[0].D, self.networks[0].sizes, max(dims)
        check_integer(top, "d", high=D)
        self.maps = [make_projection(projection, D, top, s, sizes) for s in seeds]
        self.used = torch.tensor([[float(j < k) for j in range(top)] for k in dims])[:, None]
        self.generators = [as_generator(s) for s in seeds]
        self.rngs = [as_rng(s) for s in seeds]

    def noise(self, pairs: int) -> Float[Tensor, "seeds dims candidates top"]:
        """Mirrored normal directions; dimension d moves the first d coordinates only."""
        shape = (self.used.shape[0], pairs, self.used.shape[2])
        eps = torch.stack([torch.randn(shape, generator=g) for g in self.generators]) * self.used
        return torch.cat((eps, -eps), dim=2)

    def returns(
        self, t: Float[Tensor, "seeds dims candidates top"], episodes: int, max_steps: int
    ) -> Float[np.ndarray, "seeds dims candidates"]:
        """Mean return of each candidate; the candidates of a seed meet the same starts."""
        # Eq. (2)
        theta = torch.stack([n.theta0 + P(x) for n, P, x in zip(self.networks, self.maps, t)])
        starts = np.stack([_starts(episodes, rng) for rng in self.rngs])
        each = np.repeat(starts, t.shape[1] * t.shape[2], axis=0)
        found = rollout(self.networks[0], theta.flatten(0, 2), each, max_steps=max_steps)
        return found.reshape(t.shape[:3])


def _starts(episodes: int, rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(-0.05, 0.05, (episodes, 4))


def _es_gradient(scores: np.ndarray, eps: Tensor, sigma: float) -> Tensor:
    """Gradient estimate from ranks: utilities in [-1/2, 1/2], ties share their mean."""
    utility = torch.from_numpy(_centred_ranks(scores)).to(eps)
    # Eq. (14)
    return (utility[..., None] * eps).mean(dim=2, keepdim=True) / sigma


def _centred_ranks(scores: np.ndarray) -> np.ndarray:
    """Ranks along the last axis, scaled to [-1/2, 1/2]; equal scores get equal ranks."""
    below = (scores[..., None, :] < scores[..., None]).sum(-1)
    equal = (scores[..., None, :] == scores[..., None]).sum(-1)
    return (below + (equal - 1) / 2) / max(scores.shape[-1] - 1, 1) - 0.5


def _check_es(
    projection: str,
    n_generations: int,
    population: int,
    sigma: float,
    lr: float,
    episodes: int,
    test_episodes: int,
) -> None:
    check_choice(projection, "projection", ("dense", "sparse", "fastfood"))
    check_integer(n_generations, "n_generations", low=0)
    check_integer(episodes, "episodes", low=1)
    check_integer(test_episodes, "test_episodes", low=1)
    check_number(sigma, "sigma", low=0, low_open=True)
    check_number(lr, "lr", low=0, low_open=True)
    if check_integer(population, "population", low=2) % 2:
        raise ValueError(f"population must be even, got {population}")
