"""Training a ReGENN on a panel, and forecasting with it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from tqdm.auto import trange

from mixbook.core.seeds import as_rng, pick_device
from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.networks.regenn._checks import as_panel
from mixbook.networks.regenn.network import ReGENN
from mixbook.networks.regenn.scaling import SCALES, from_scale, log_constant, to_scale, window_scale

__all__ = ["CRITERIA", "ITERATIONS", "ReGENNForecaster", "panel_split"]

CRITERIA = ("mae", "scaled_mae")
ITERATIONS = ("time", "batch", "shuffled")


def panel_split(Y: int, window: int, stride: int, val_stride: int) -> dict[str, np.ndarray]:
    """Where the windows of training, validation and test start, in a panel of Y steps.

    The last ``stride`` steps are the test targets and the ``val_stride`` steps before them the
    validation targets. Training windows start at 0, 1, ..., Y - window - 2 stride - val_stride, so
    that their targets end before those of the validation.

    Returns
    -------
    dict
        ``train``, ``validation`` (empty if ``val_stride`` is 0) and ``test``: start indices.

    Raises
    ------
    ValueError
        If the panel is too short, or ``val_stride`` exceeds ``stride``.
    """
    Y = check_integer(Y, "Y", low=1)
    window = check_integer(window, "window", low=1)
    stride = check_integer(stride, "stride", low=1)
    r = check_integer(val_stride, "val_stride", low=0, high=stride)
    n_train = Y - window - 2 * stride - r + 1
    if n_train < 1:
        raise ValueError(
            f"Y must be at least window + 2 stride + val_stride = {Y - n_train + 1}, got {Y}"
        )
    return {
        "train": np.arange(n_train),
        "validation": np.array([Y - window - stride - r] if r else [], dtype=np.int64),
        "test": np.array([Y - window - stride]),
    }


class ReGENNForecaster(BaseEstimator):
    """Fits a :class:`ReGENN` to all windows of a panel.

    The defaults of training are those of the authors' program, except for the scale.

    Parameters
    ----------
    window, stride : int
        Steps in and out.
    val_stride : int
        The last so many steps of the panel given to ``fit`` are watched, not trained on; 0 watches
        the training loss.
    scale : {"window", "log", "official_axis2"}
        By the largest value of each input window; log(1 + x) over one constant of the training
        period; or that of the authors' program, which leaks (see :func:`official_scale`).
    criterion : {"mae", "scaled_mae"}
        Mean absolute error in the units of the panel, or in scaled units.
    epochs : int
    batch_size : int or None
        Samples in a batch; None takes all.
    windows_per_batch : int
        Batches hold so many windows of each of their samples. Attention over samples stays within
        a window.
    iterate : {"time", "batch", "shuffled"}
        All windows of a batch of samples in order of time, and then the next samples; the other
        nesting; or any order.
    lr, clip : float
        Adam's rate, and the norm at which gradients are clipped.
    early_stop, lr_patience : int
        Epochs without improvement after which training stops, or the rate is multiplied by
        ``lr_factor`` (only improvements by the share ``lr_threshold`` count for the latter).
    network : dict, optional
        Arguments of :class:`ReGENN` besides its sizes.
    random_state : int, Generator or None
    device : str
    progress : bool

    Attributes
    ----------
    network_ : ReGENN
        With the weights of the best epoch.
    history_ : dict of list
        ``train`` and ``watched`` loss, and ``lr``, after each epoch.
    best_epoch_ : int
    constant_ : float
        The c of the log scale.
    n_variables_ : int
    """

    def __init__(
        self,
        window: int = 7,
        stride: int = 7,
        *,
        val_stride: int = 7,
        scale: str = "window",
        criterion: str = "mae",
        epochs: int = 2500,
        batch_size: int | None = 32,
        windows_per_batch: int = 1,
        iterate: str = "time",
        lr: float = 1e-3,
        clip: float = 10.0,
        early_stop: int = 250,
        lr_patience: int = 25,
        lr_factor: float = 0.95,
        lr_threshold: float = 0.1,
        network: dict[str, Any] | None = None,
        random_state: int | np.random.Generator | None = None,
        device: str = "cpu",
        progress: bool = True,
    ) -> None:
        self.window = window
        self.stride = stride
        self.val_stride = val_stride
        self.scale = scale
        self.criterion = criterion
        self.epochs = epochs
        self.batch_size = batch_size
        self.windows_per_batch = windows_per_batch
        self.iterate = iterate
        self.lr = lr
        self.clip = clip
        self.early_stop = early_stop
        self.lr_patience = lr_patience
        self.lr_factor = lr_factor
        self.lr_threshold = lr_threshold
        self.network = network
        self.random_state = random_state
        self.device = device
        self.progress = progress

    def fit(self, panel: Any) -> ReGENNForecaster:
        """Fit to a panel that ends before the steps to be forecast.

        Parameters
        ----------
        panel : array of shape (samples, steps, variables)
            Values >= 0, at least two variables, window + stride + val_stride steps.

        Raises
        ------
        TypeError, ValueError
            If the panel or an argument is not as described.
        FloatingPointError
            If the loss stops being finite.
        """
        self._check_arguments()
        x = self._check_panel(panel, "panel", min_steps=self.window + self.stride + self.val_stride)
        if x.shape[2] < 2:
            raise ValueError(f"panel must have at least 2 variables, got {x.shape[2]}")
        starts = panel_split(x.shape[1] + self.stride, self.window, self.stride, self.val_stride)
        device, rng = pick_device(self.device), as_rng(self.random_state)
        data = torch.tensor(x, dtype=torch.float32, device=device)
        self.n_variables_ = x.shape[2]
        end = int(starts["train"][-1]) + self.window + self.stride
        self.constant_ = log_constant(data[:, :end])
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(int(rng.integers(2**31)))
            options = self.network or {}
            self.network_ = ReGENN(self.n_variables_, self.window, self.stride, **options).to(
                device
            )
            self._train(data, starts, rng)
        return self

    def predict(self, history: Any, future: Any = None) -> Float[np.ndarray, "n s v"]:
        """Forecast the steps after a window.

        Parameters
        ----------
        history : array of shape (samples, window, variables)
            With attention over samples, the forecast of each depends on all samples given.
        future : array of shape (samples, stride, variables), optional
            The values to be forecast: needed by ``scale="official_axis2"`` and by nothing else.

        Returns
        -------
        float64 array of shape (samples, stride, variables)
        """
        check_is_fitted(self, "network_")
        x = self._check_panel(history, "history", n_steps=self.window)
        if self.scale == "official_axis2" and future is not None:
            future = self._tensor(self._check_panel(future, "future", n_steps=self.stride))
        window = self._tensor(x)
        self.network_.eval()
        with torch.no_grad():
            z = self.network_(to_scale(window, self.scale, self.constant_))
            found = from_scale(z, window, self.scale, self.constant_, future)
        return found.double().cpu().numpy()

    def learned_graphs(self) -> dict[str, np.ndarray]:
        """S, H and G of the source layer, and G of the target layer, as arrays (V, V)."""
        check_is_fitted(self, "network_")
        return {name: g.cpu().numpy() for name, g in self.network_.learned_graphs().items()}

    # --- training -----------------------------------------------------------------------------

    def _train(self, data: Tensor, starts: dict[str, np.ndarray], rng: np.random.Generator) -> None:
        opt = torch.optim.Adam(self.network_.parameters(), lr=self.lr, fused=True)
        plan = torch.optim.lr_scheduler.ReduceLROnPlateau(
            opt, factor=self.lr_factor, patience=self.lr_patience, threshold=self.lr_threshold
        )
        self.history_: dict[str, list[float]] = {"train": [], "watched": [], "lr": []}
        best, state = np.inf, copy.deepcopy(self.network_.state_dict())
        self.best_epoch_ = 0
        for epoch in trange(self.epochs, desc="ReGENN", disable=not self.progress, leave=False):
            train = self._epoch(data, starts["train"], rng, opt, first=epoch == 0)
            watched = self._watch(data, starts["validation"]) if self.val_stride else train
            plan.step(watched)
            for name, value in (("train", train), ("watched", watched)):
                self.history_[name].append(value)
            self.history_["lr"].append(opt.param_groups[0]["lr"])
            if watched < best:
                best, self.best_epoch_ = watched, epoch
                state = copy.deepcopy(self.network_.state_dict())
            if epoch - self.best_epoch_ >= self.early_stop:
                break
        self.network_.load_state_dict(state)

    def _epoch(
        self,
        data: Tensor,
        starts: np.ndarray,
        rng: np.random.Generator,
        opt: torch.optim.Optimizer,
        *,
        first: bool,
    ) -> float:
        self.network_.train()
        losses = []
        for samples, begin in self._batches(len(data), starts, rng):
            x, y = self._windows(data, samples, begin)
            z = to_scale(x, self.scale, self.constant_)
            if first and self.network_.source is not None:
                self.network_.source.accumulate(z)
            opt.zero_grad(set_to_none=True)
            loss = self._loss(self.network_(z, n_groups=len(begin)), x, y)
            loss.backward()
            nn.utils.clip_grad_norm_(self.network_.parameters(), self.clip)
            opt.step()
            losses.append(loss.detach())
        mean = float(torch.stack(losses).mean())
        if not np.isfinite(mean):
            raise FloatingPointError(f"the loss became {mean}; try a smaller lr or another scale")
        return mean

    def _loss(self, z: Tensor, x: Tensor, y: Tensor) -> Tensor:
        if self.criterion == "mae":
            return (from_scale(z, x, self.scale, self.constant_, y) - y).abs().mean()
        return (z - self._target(x, y)).abs().mean()

    def _target(self, x: Tensor, y: Tensor) -> Tensor:
        """What the network should say for y."""
        if self.scale == "window":
            return y / window_scale(x)
        return to_scale(y, self.scale, self.constant_)

    @torch.no_grad()
    def _watch(self, data: Tensor, start: np.ndarray) -> float:
        """Loss on the watched steps, all samples at once; surplus steps of the forecast are cut."""
        self.network_.eval()
        x = data[:, start[0] : start[0] + self.window]
        y = data[:, start[0] + self.window :]
        z = self.network_(to_scale(x, self.scale, self.constant_))[:, : y.shape[1]]
        return float(self._loss(z, x, y))

    def _batches(
        self, n: int, starts: np.ndarray, rng: np.random.Generator
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Samples and starts of windows of each batch of an epoch, the samples shuffled."""
        size = min(self.batch_size or n, n)
        samples = np.array_split(rng.permutation(n), max(n // size, 1))
        count = -(-len(starts) // self.windows_per_batch)
        windows = np.array_split(starts, count)
        if self.iterate == "time":
            pairs = [(s, w) for s in samples for w in windows]
        else:
            pairs = [(s, w) for w in windows for s in samples]
        if self.iterate == "shuffled":
            windows = np.array_split(rng.permutation(starts), count)
            pairs = [(s, w) for w in windows for s in samples]
        yield from pairs

    def _windows(
        self, data: Tensor, samples: np.ndarray, begin: np.ndarray
    ) -> tuple[Tensor, Tensor]:
        """Inputs and targets; rows are ordered by window, then by sample."""
        steps = torch.as_tensor(begin)[:, None] + torch.arange(self.window + self.stride)
        rows = data[torch.as_tensor(samples)][:, steps].transpose(0, 1).flatten(0, 1)
        return rows[:, : self.window], rows[:, self.window :]

    # --- checks -------------------------------------------------------------------------------

    def _check_arguments(self) -> None:
        for name in ("window", "stride", "epochs", "windows_per_batch", "early_stop"):
            check_integer(getattr(self, name), name, low=1)
        check_integer(self.val_stride, "val_stride", low=0, high=self.stride)
        check_integer(self.lr_patience, "lr_patience", low=0)
        if self.batch_size is not None:
            check_integer(self.batch_size, "batch_size", low=1)
        check_choice(self.scale, "scale", SCALES)
        check_choice(self.criterion, "criterion", CRITERIA)
        check_choice(self.iterate, "iterate", ITERATIONS)
        for name in ("lr", "clip"):
            check_number(getattr(self, name), name, low=0, low_open=True)
        check_number(self.lr_factor, "lr_factor", low=0, high=1, low_open=True, high_open=True)
        check_number(self.lr_threshold, "lr_threshold", low=0)
        if self.network is not None and not isinstance(self.network, dict):
            raise TypeError(f"network must be a dict or None, got {type(self.network).__name__}")

    def _check_panel(self, x: Any, name: str, **wanted: Any) -> np.ndarray:
        if name != "panel":
            wanted["n_variables"] = self.n_variables_
        array = as_panel(x, name, **wanted)
        if array.min() < 0:
            raise ValueError(f"{name} must be >= 0, got an entry {array.min():g}")
        return array

    def _tensor(self, x: np.ndarray) -> Tensor:
        device = next(self.network_.parameters()).device
        return torch.tensor(x, dtype=torch.float32, device=device)
