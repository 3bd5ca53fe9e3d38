"""Random generators and devices: always passed in, never global."""

import numpy as np
import torch

__all__ = ["as_generator", "as_rng", "pick_device"]


def as_generator(
    seed: int | torch.Generator | None = None, device: str | torch.device = "cpu"
) -> torch.Generator:
    """Turn a seed into a PyTorch generator; a generator is handed back unchanged.

    Parameters
    ----------
    seed : int, torch.Generator or None
        None draws a fresh seed from the operating system.
    device : str or torch.device
        Where the generator lives; ignored when ``seed`` already is a generator.

    Raises
    ------
    TypeError
        If ``seed`` is neither a non-negative integer, a generator nor None.
    ValueError
        If ``seed`` is negative.
    """
    if isinstance(seed, torch.Generator):
        return seed
    generator = torch.Generator(device=device)
    if seed is None:
        generator.seed()
        return generator
    return generator.manual_seed(_check_seed(seed))


def as_rng(random_state: int | np.random.Generator | None = None) -> np.random.Generator:
    """Turn a seed into a NumPy generator; a generator is handed back unchanged.

    Raises
    ------
    TypeError
        If ``random_state`` is neither a non-negative integer, a generator nor None.
    ValueError
        If ``random_state`` is negative.
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if random_state is None:
        return np.random.default_rng()
    return np.random.default_rng(_check_seed(random_state))


def pick_device(device: str | torch.device = "auto") -> torch.device:
    """The device to compute on; ``"auto"`` is the GPU where there is one, else the CPU.

    Raises
    ------
    ValueError
        If the device is unknown, or asked for and not available.
    """
    if str(device) == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"device must be 'auto', 'cpu', 'cuda' or 'cuda:<n>', got {device!r}"
        ) from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device {device!r} was asked for, but no GPU is available; use 'cpu' or 'auto'"
        )
    return chosen


def _check_seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise TypeError(f"a seed must be an integer, a generator or None, got {seed!r}")
    if seed < 0:
        raise ValueError(f"a seed must be >= 0, got {seed}")
    return int(seed)
