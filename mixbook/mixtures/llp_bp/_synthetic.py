"""The simulated data of the chapter."""

import numpy as np
from jaxtyping import Float, Int

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer, check_number

__all__ = ["make_two_gaussians"]


def make_two_gaussians(
    n: int, d: int = 10, shift: float = 1.5, random_state: int | np.random.Generator | None = None
) -> tuple[Float[np.ndarray, "n d"], Int[np.ndarray, " n"]]:
    """Two balanced classes, :math:`N(\\pm\\mathrm{shift}\\, e_1, I_d)`, in random order.

    Parameters
    ----------
    n : int
        Number of points, even.
    d : int
        Dimensions.
    shift : float
        Half the distance of the means, in standard deviations.
    random_state : int, numpy.random.Generator or None

    Returns
    -------
    X : float32 array of shape (n, d)
    y : int array of shape (n,)
        n / 2 zeros and n / 2 ones.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or range.
    """
    n = check_integer(n, "n", low=2)
    d = check_integer(d, "d", low=1)
    shift = check_number(shift, "shift")
    if n % 2:
        raise ValueError(f"n must be even, got {n}")
    rng = as_rng(random_state)
    y = rng.permutation(np.repeat([0, 1], n // 2))
    X = rng.standard_normal((n, d), dtype=np.float32)
    X[:, 0] += shift * (2 * y - 1)
    return X, y
