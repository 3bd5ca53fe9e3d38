"""The recurrent graph evolution network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.networks.regenn.layers import Autoregression, GSEvolution

__all__ = ["ReGENN"]

RECURRENT: dict[str, Any] = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}
OUTPUTS: dict[str, type[nn.Module]] = {
    "ReLU": nn.ReLU,
    "Softplus": nn.Softplus,
    "Identity": nn.Identity,
}


class ReGENN(nn.Module):
    """Recurrent graph evolution network, Eq. (9).

    Source graph layer, attention, a recurrent *time gate* along the variables, a recurrent
    *variable sequencer* along time, target graph layer, plus an autoregression beside all that.

    Parameters
    ----------
    n_vars, window, stride : int
        Variables (at least 2), steps in, steps out.
    gate : {"LSTM", "GRU", "RNN"}
    sequencer : {"LSTM", "GRU", "RNN"} or None
        None leaves the variable sequencer out.
    autoregression, encoder, graph : bool
        Whether there are the linear highway, the attention layer and both graph layers.
    bidirectional_gate, bidirectional_sequencer : bool
        Both directions are summed.
    dropout : float
    output : {"ReLU", "Softplus", "Identity"}
    attention_over : {"samples", "variables"}
        The authors' program attends over the samples of the batch, so that a forecast depends on
        which other samples are forecast with it. "variables" attends over the variables of one
        sample.
    feedforward : int
        Width of the feed-forward part of the attention layer.
    start : {"last", "glorot"}
        How the autoregression starts.
    """

    def __init__(
        self,
        n_vars: int,
        window: int,
        stride: int,
        gate: str = "LSTM",
        sequencer: str | None = "LSTM",
        autoregression: bool = True,
        encoder: bool = True,
        graph: bool = True,
        bidirectional_gate: bool = False,
        bidirectional_sequencer: bool = False,
        dropout: float = 0.1,
        output: str = "ReLU",
        attention_over: str = "samples",
        feedforward: int = 2048,
        start: str = "glorot",
    ) -> None:
        super().__init__()
        check_integer(n_vars, "n_vars", low=2)
        check_integer(window, "window", low=1)
        check_integer(stride, "stride", low=1)
        check_integer(feedforward, "feedforward", low=1)
        check_number(dropout, "dropout", low=0, high=1, high_open=True)
        check_choice(gate, "gate", RECURRENT)
        if sequencer is not None:
            check_choice(sequencer, "sequencer", RECURRENT)
        check_choice(output, "output", OUTPUTS)
        check_choice(attention_over, "attention_over", ("samples", "variables"))
        check_choice(start, "start", ("last", "glorot"))
        self.n_vars, self.window, self.stride = n_vars, window, stride
        self.attention_over = attention_over
        self.source = GSEvolution(n_vars, window, window, dropout=dropout) if graph else None
        self.encoder = (
            nn.TransformerEncoderLayer(
                window, 1, feedforward, dropout, batch_first=attention_over == "variables"
            )
            if encoder
            else None
        )
        self.gate = _Summed(gate, window, stride, bidirectional_gate)
        self.gate_dropout = nn.Dropout(dropout)
        self.sequencer = (
            _Summed(sequencer, n_vars, n_vars, bidirectional_sequencer)
            if sequencer is not None
            else None
        )
        self.sequencer_dropout = nn.Dropout(dropout)
        self.target = (
            GSEvolution(n_vars, stride, stride, time_dot=False, dropout=0.0) if graph else None
        )
        self.autoregression = Autoregression(window, stride, start) if autoregression else None
        self.output = OUTPUTS[output]()

    def forward(self, x: Float[Tensor, "b w v"], n_groups: int = 1) -> Float[Tensor, "b s v"]:
        """Forecast ``stride`` steps from ``window`` steps.

        Parameters
        ----------
        x : Tensor of shape (B, window, V)
        n_groups : int
            The batch consists of so many groups of equal size, one after the other, and attention
            over samples stays within a group.
        """
        if x.ndim != 3 or x.shape[1:] != (self.window, self.n_vars):
            raise ValueError(
                f"x must have shape (samples, {self.window}, {self.n_vars}), got {tuple(x.shape)}"
            )
        if len(x) % check_integer(n_groups, "n_groups", low=1):
            raise ValueError(f"n_groups must divide the {len(x)} samples, got {n_groups}")
        # Eq. (9)
        z, H = self.source(x) if self.source is not None else (x, None)
        z = z.transpose(1, 2)
        z = self._attend(z, n_groups) if self.encoder is not None else z
        z = self.gate_dropout(self.gate(z).transpose(1, 2))
        if self.sequencer is not None:
            z = self.sequencer_dropout(self.sequencer(z)) + z
        if self.target is not None:
            z, _ = self.target(z, H)
        if self.autoregression is not None:
            z = z + self.autoregression(x)
        return self.output(z)

    def _attend(self, z: Float[Tensor, "b v w"], n_groups: int) -> Float[Tensor, "b v w"]:
        assert self.encoder is not None
        if self.attention_over == "variables":
            return self.encoder(z)
        # The first axis is what is attended over: samples; the second holds groups and variables.
        stacked = torch.cat(z.chunk(n_groups), dim=1)
        return torch.cat(self.encoder(stacked).chunk(n_groups, dim=1))

    @torch.no_grad()
    def learned_graphs(self) -> dict[str, Tensor]:
        """S, H and G of the source layer and G of the target layer.

        Returns
        -------
        dict
            ``adjacency`` (counted), ``evolved`` (H), ``source`` and ``target`` (G).

        Raises
        ------
        ValueError
            If the network has no graph layers.
        """
        if self.source is None or self.target is None:
            raise ValueError("graph must be True for there to be graphs, got False")
        H = self.source.evolve()
        return {
            "adjacency": self.source.adjacency.clone(),
            "evolved": H,
            "source": self.source.graph(H),
            "target": self.target.graph(self.target.evolve(H)),
        }


@contextmanager
def _plain_kernels() -> Iterator[None]:
    """Without oneDNN, whose LSTM is made for wide layers and slower on these narrow ones."""
    before = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = before


class _Summed(nn.Module):
    """A recurrent layer along axis 1; if it runs both ways, the two outputs are summed."""

    def __init__(self, kind: str, n_in: int, n_out: int, bidirectional: bool) -> None:
        super().__init__()
        self.layer = RECURRENT[kind](n_in, n_out, batch_first=True, bidirectional=bidirectional)
        self.n_out = n_out

    def forward(self, x: Float[Tensor, "b t i"]) -> Float[Tensor, "b t o"]:
        with _plain_kernels():
            out = self.layer(x)[0]
        return out.unflatten(2, (-1, self.n_out)).sum(dim=2)
