"""The network of the paper and how it is trained, on whole bags."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from mixbook.core.validation import check_integer
from mixbook.mixtures.llp_bp._bags import bag_order
from mixbook.mixtures.llp_bp._losses import bag_means

__all__ = ["BagNetwork", "Batch", "Schedule", "check_widths", "embed", "log_odds", "train"]

MIN_DELTA = 1e-4  # a validation AUC counts as better from this much on


class BagNetwork(nn.Module):
    """Instances to logits, and bags to logits, through one embedding.

    The embedding is the last but one of the ``hidden`` layers; the instance head reads it directly.
    The last hidden layer belongs to the bag branch: mean of the embeddings, layer, logit.

    Parameters
    ----------
    d : int
        Number of inputs.
    hidden : sequence of int
        Widths, at least two; the authors' code has 5040, 1280, 320, 128, 64.
    generator : torch.Generator
        For the initial weights.

    Raises
    ------
    TypeError, ValueError
        If a width is not a positive integer, or there are fewer than two.
    """

    def __init__(self, d: int, hidden: Sequence[int], generator: torch.Generator) -> None:
        super().__init__()
        check_integer(d, "d", low=1)
        check_widths(hidden)
        widths = [d, *hidden[:-1]]
        layers = [nn.Linear(a, b) for a, b in pairwise(widths)]
        self.trunk = nn.Sequential(*(m for layer in layers for m in (layer, nn.ReLU())))
        self.head = nn.Linear(widths[-1], 1)
        self.bag_head = nn.Sequential(
            nn.Linear(widths[-1], hidden[-1]), nn.ReLU(), nn.Linear(hidden[-1], 1)
        )
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight, generator=generator)
                nn.init.zeros_(module.bias)

    def forward(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, " n"], Float[Tensor, "n e"]]:
        """Logits and embeddings of instances."""
        h = self.trunk(x)
        return self.head(h)[:, 0], h

    def bags(self, h: Float[Tensor, "n e"], bag_id: Tensor, m: int) -> Float[Tensor, " m"]:
        """Logits of bags from the embeddings of their instances."""
        return self.bag_head(bag_means(h, bag_id, m))[:, 0]


def check_widths(hidden: Sequence[int]) -> None:
    """Refuse fewer than two layers, and layers without units."""
    if len(hidden) < 2:
        raise ValueError(f"hidden must name at least two layers, got {hidden!r}")
    for width in hidden:
        check_integer(width, "hidden", low=1)


@dataclass(frozen=True)
class Batch:
    """Some whole bags: their instances, the bag (0, 1, ...) of each, and the bags' counts."""

    index: Tensor
    bag_id: Tensor
    bag_count: Tensor


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train."""

    lr: float
    weight_decay: float
    batch_size: int
    max_epochs: int
    patience: int


def train(
    net: BagNetwork,
    X: Float[Tensor, "n d"],
    loss: Callable[[Batch, Tensor, Tensor], Tensor],
    ids: np.ndarray,
    counts: np.ndarray,
    schedule: Schedule,
    rng: np.random.Generator,
    validation: tuple[Tensor, np.ndarray] | None,
) -> float:
    """Minimise ``loss(batch, logits, embeddings)`` by AdamW; returns the best validation AUC.

    With ``validation`` = (X, y), training stops ``patience`` epochs after the AUC was best, and the
    weights of then are restored. Without, all epochs are done, and NaN is returned.
    """
    optimiser = torch.optim.AdamW(
        net.parameters(), lr=schedule.lr, weight_decay=schedule.weight_decay, fused=True
    )
    best, best_weights, waited = -np.inf, None, 0
    for _ in range(schedule.max_epochs):
        net.train()
        for batch in _batches(ids, counts, schedule.batch_size, rng):
            logits, h = net(X[batch.index])
            value = loss(batch, logits, h)
            optimiser.zero_grad(set_to_none=True)
            value.backward()
            optimiser.step()
        if validation is None:
            continue
        auc = roc_auc_score(validation[1], log_odds(net, validation[0]))
        waited = 0 if auc > best + MIN_DELTA else waited + 1
        if waited == 0:
            best, best_weights = auc, copy.deepcopy(net.state_dict())
        if waited >= schedule.patience:
            break
    if best_weights is not None:
        net.load_state_dict(best_weights)
    return float(best) if validation is not None else float("nan")


def log_odds(net: BagNetwork, X: Tensor) -> np.ndarray:
    """Logits of instances, without gradients."""
    return np.concatenate([logits for logits, _ in _in_blocks(net, X)])


def embed(net: BagNetwork, X: Tensor) -> np.ndarray:
    """Embeddings of instances, without gradients."""
    return np.concatenate([h for _, h in _in_blocks(net, X)])


def _in_blocks(net: BagNetwork, X: Tensor, block: int = 16_384) -> list[tuple]:
    net.eval()
    with torch.no_grad():
        return [tuple(out.cpu().numpy() for out in net(part)) for part in X.split(block)]


def _batches(ids: np.ndarray, counts: np.ndarray, size: int, rng: np.random.Generator):
    """All bags once, in random order, in batches of about ``size`` instances (at least a bag)."""
    order, start = bag_order(ids)
    sizes = np.diff(start)
    shuffled = rng.permutation(len(counts))
    full = np.cumsum(sizes[shuffled])
    batch_of = (full - sizes[shuffled]) // size
    for bags in np.split(shuffled, np.flatnonzero(np.diff(batch_of)) + 1):
        width = sizes[bags]
        local = np.repeat(np.arange(len(bags)), width)
        offset = np.arange(width.sum()) - np.repeat(np.cumsum(width) - width, width)
        index = order[start[bags][local] + offset]
        yield Batch(
            torch.from_numpy(index),
            torch.from_numpy(local),
            torch.from_numpy(counts[bags].astype(np.float32)),
        )
