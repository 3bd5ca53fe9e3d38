"""UCI Adult: who in the census of 1994 earned more than 50,000 dollars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mixbook.data.registry import fetch

__all__ = ["Adult", "load_adult"]

COLUMNS = [
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education_num",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
    "native_country",
    "income",
]
NUMBERS = ["age", "education_num", "capital_gain", "capital_loss", "hours_per_week"]
CAPITAL = ["capital_gain", "capital_loss"]
CATEGORIES = [
    "workclass",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "native_country",
]


@dataclass(frozen=True)
class Adult:
    """Persons of the census, in the split that the data set came with.

    Attributes
    ----------
    train : pandas.DataFrame of shape (32561, 14)
        Attributes as published: six columns of numbers, eight of words; "?" where unknown.
    test : pandas.DataFrame of shape (16281, 14)
    y_train : int array of shape (32561,)
        1 where the income is above 50,000 dollars; 24.1 % are.
    y_test : int array of shape (16281,)
        23.6 % are 1.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    y_train: np.ndarray
    y_test: np.ndarray

    def features(self) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
        """Numbers for a network: (train, test, names of the columns).

        The sampling weight ``fnlwgt`` and ``education`` (which ``education_num`` repeats) are
        dropped. Capital columns become :math:`\\log(1 + x)`. Numbers are standardised with the mean
        and standard deviation of the training rows, and words become indicator columns, one for
        each word of the training rows ("?" is a word). 91 columns, float32.
        """
        tables = [_numbers(frame) for frame in (self.train, self.test)]
        mean, sd = tables[0].mean(), tables[0].std(ddof=0)
        words = {name: sorted(self.train[name].unique()) for name in CATEGORIES}
        names = (*NUMBERS, *(f"{name}={word}" for name in CATEGORIES for word in words[name]))
        X = [
            np.hstack([(table - mean) / sd, *(_indicators(frame[n], words[n]) for n in CATEGORIES)])
            for table, frame in zip(tables, (self.train, self.test))
        ]
        return X[0].astype(np.float32), X[1].astype(np.float32), names


def load_adult() -> Adult:
    """The data set *Adult* (also *Census Income*): 32,561 + 16,281 persons, 14 attributes.

    Extracted from the 1994 census of the United States by Becker and Kohavi, donated to the UCI
    repository in 1996, which lists it under CC BY 4.0. Two gzipped text files, 0.7 MB in all.

    Returns
    -------
    Adult

    Raises
    ------
    DataError
        If a file cannot be had, or does not have the registered checksum.
    """
    train, y_train = _read("adult.data.gz", skip=0)
    test, y_test = _read("adult.test.gz", skip=1)
    return Adult(train, test, y_train, y_test)


def _read(name: str, skip: int) -> tuple[pd.DataFrame, np.ndarray]:
    table = pd.read_csv(
        fetch(f"adult/{name}"),
        names=COLUMNS,
        skiprows=skip,
        skipinitialspace=True,
        keep_default_na=False,
        compression="gzip",
    )
    y = table.pop("income").str.rstrip(".").map({"<=50K": 0, ">50K": 1})
    return table, y.to_numpy(np.int64)


def _numbers(frame: pd.DataFrame) -> pd.DataFrame:
    table = frame[NUMBERS].astype(np.float64)
    table[CAPITAL] = np.log1p(table[CAPITAL])
    return table


def _indicators(column: pd.Series, words: list[str]) -> np.ndarray:
    return column.to_numpy(dtype=object)[:, None] == np.array(words, dtype=object)[None, :]
