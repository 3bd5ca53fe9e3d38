"""UCI Bank Marketing: which telephone calls ended in a term deposit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mixbook.data.registry import fetch

__all__ = ["BankMarketing", "load_bank_marketing"]


@dataclass(frozen=True)
class BankMarketing:
    """Calls of a Portuguese bank, in the split of the code of LLP-BP.

    Attributes
    ----------
    X_train : float32 array of shape (27126, 16)
        As published there: all columns scaled by one common mean and standard deviation and
        rounded to two decimals, so that column 5 (the balance) is far the widest, seven columns are
        constant and words are crushed to a few values. ``standardised`` undoes the scale.
    X_val : float32 array of shape (9042, 16)
    X_test : float32 array of shape (9043, 16)
    y_train, y_val, y_test : int arrays
        1 where the client took the deposit; 11.7 % did.
    """

    X_train: np.ndarray
    X_val: np.ndarray
    X_test: np.ndarray
    y_train: np.ndarray
    y_val: np.ndarray
    y_test: np.ndarray

    def standardised(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(train, val, test) with columns constant in training dropped, each of mean 0 and sd 1.

        Mean and standard deviation are those of the training rows; float32.
        """
        keep = np.ptp(self.X_train, axis=0) > 0
        mean, sd = (
            self.X_train[:, keep].mean(0, np.float64),
            self.X_train[:, keep].std(0, np.float64),
        )
        train, val, test = (
            ((X[:, keep] - mean) / sd).astype(np.float32)
            for X in (self.X_train, self.X_val, self.X_test)
        )
        return train, val, test


def load_bank_marketing() -> BankMarketing:
    """The data set *Bank Marketing*: 45,211 calls, 16 attributes, in three parts.

    Collected by Moro, Cortez and Rita (Decision Support Systems, 2014); this copy is the split
    shipped with google-deepmind/llp_bp under CC BY 4.0. Six text files, 4.3 MB in all.

    Returns
    -------
    BankMarketing

    Raises
    ------
    DataError
        If a file cannot be had, or does not have the registered checksum.
    """
    X = {part: _table(f"x_{part}.csv").astype(np.float32) for part in ("train", "val", "test")}
    y = {
        part: _table(f"y_{part}.csv").ravel().astype(np.int64) for part in ("train", "val", "test")
    }
    return BankMarketing(X["train"], X["val"], X["test"], y["train"], y["val"], y["test"])


def _table(name: str) -> np.ndarray:
    return pd.read_csv(fetch(f"bank_marketing/{name}")).to_numpy(np.float64)
