"""A network seen through a flat parameter vector, and the subspace model of Eq. (2)."""

import copy
import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from mixbook.landscapes.intrinsic_dimension.projections import Projection

__all__ = ["FlatNetwork", "SubspaceModel", "flatten_parameters"]


def flatten_parameters(module: nn.Module) -> Float[Tensor, " D"]:
    """All trainable parameters of ``module`` in one detached vector, in creation order.

    Raises
    ------
    TypeError
        If ``module`` is not an ``nn.Module``.
    ValueError
        If it has no trainable parameter.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {type(module).__name__}")
    parts = [p.detach().reshape(-1) for p in module.parameters() if p.requires_grad]
    if not parts:
        raise ValueError("module must have at least one trainable parameter")
    return torch.cat(parts)


class FlatNetwork:
    """A pure function ``(theta, x) -> outputs`` made from a module.

    Attributes
    ----------
    sizes : list of int
        Number of parameters of each tensor, in creation order; they sum to D.
    is_weight : Tensor of shape (D,)
        1 for entries of weights (tensors with two or more axes), 0 for biases.
    """

    def __init__(self, module: nn.Module) -> None:
        self.theta0 = flatten_parameters(module).clone()
        self.module = copy.deepcopy(module)
        trainable = {k: p for k, p in module.named_parameters() if p.requires_grad}
        self.shapes = {name: p.shape for name, p in trainable.items()}
        self.sizes = [p.numel() for p in trainable.values()]
        self.is_weight = torch.cat(
            [torch.full((p.numel(),), float(p.ndim > 1)) for p in trainable.values()]
        ).to(self.theta0.device)

    @property
    def D(self) -> int:
        return len(self.theta0)

    def __call__(self, theta: Float[Tensor, " D"], *inputs: Any) -> Any:
        pieces = theta.split(self.sizes)
        parameters = {k: p.view(s) for (k, s), p in zip(self.shapes.items(), pieces)}
        return functional_call(self.module, parameters, inputs)


class SubspaceModel(nn.Module):
    """A network whose only trainable parameter is ``t``: ``theta = theta_0 + P t``, Eq. (2).

    ``theta_0`` is what ``module`` holds when the model is made; ``t`` starts at zero, so the model
    starts as an exact copy of ``module``. Backpropagation gives ``t`` the gradient
    ``P^T grad_theta``, Eq. (3), so any optimiser can be used.

    Parameters
    ----------
    module : nn.Module
        The network; it is copied and left alone.
    projection : Projection or None
        Maps t to the offset; its ``D`` is the module's number of parameters. May be None with
        ``direct=True``.
    direct : bool
        Train all D parameters instead (the paper's baseline): the only parameter is ``theta_full``.

    Raises
    ------
    TypeError, ValueError
        If ``module`` is no module, or the projection is missing or of another size.

    Notes
    -----
    Buffers of ``module`` (running means of batch normalisation) belong to the model's private copy.
    """

    theta0: Tensor

    def __init__(
        self, module: nn.Module, projection: Projection | None = None, *, direct: bool = False
    ) -> None:
        super().__init__()
        network = FlatNetwork(module)
        # A registered submodule would show its own parameters to the optimiser.
        self._network = (network,)
        self.register_buffer("theta0", network.theta0)
        if direct:
            self.theta_full = nn.Parameter(network.theta0.clone())
            return
        self.projection = _check_projection(projection, network.D)
        dtype = next(b.dtype for b in self.projection.buffers() if b.is_floating_point())
        zeros = torch.zeros(self.projection.d, dtype=dtype, device=network.theta0.device)
        self.t = nn.Parameter(zeros)

    @property
    def theta(self) -> Float[Tensor, " D"]:
        """The full parameter vector, differentiable in ``t``."""
        if hasattr(self, "theta_full"):
            return self.theta_full
        # Eq. (2)
        return self.theta0 + self.projection(self.t).to(self.theta0)

    def forward(self, *inputs: Any) -> Any:
        return self._network[0](self.theta, *inputs)

    def _apply(self, fn: Any, recurse: bool = True) -> "SubspaceModel":
        """Move the private copy along with ``.to(...)``."""
        self._network[0].module._apply(fn, recurse)
        return super()._apply(fn, recurse)

    def extra_repr(self) -> str:
        d = math.prod(next(self.parameters()).shape)
        return f"D={self.theta0.numel()}, trained={d}"


def _check_projection(projection: Projection | None, D: int) -> Projection:
    if not isinstance(projection, Projection):
        raise TypeError(
            f"projection must be a Projection unless direct=True, got {type(projection).__name__}"
        )
    if projection.D != D:
        raise ValueError(f"projection must have D={D}, as the module has, got D={projection.D}")
    return projection
