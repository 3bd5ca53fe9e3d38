import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mixbook.core.validation import as_matrix, check_choice, check_integer, check_number


@given(
    arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.floats(-9, 9))
)
def test_tables_come_through_unchanged(x):
    for same in (x, x.tolist(), torch.tensor(x), pd.DataFrame(x)):
        assert np.array_equal(as_matrix(same, "X", dtype=torch.float64).numpy(), x)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.zeros(3), ValueError, r"X must have shape \(n, d\), got shape \(3,\)"),
        (np.zeros((0, 2)), ValueError, "X must have at least 1 row"),
        (np.zeros((2, 0)), ValueError, "X must have at least 1 column"),
        ([[1.0, np.nan]], ValueError, "X must be finite, but 1 of its 2"),
        ([[1.0, np.inf]], ValueError, "X must be finite"),
        ([["a", "b"]], TypeError, "X must hold real numbers, got list"),
        ([[1, 2], [3]], TypeError, "X must be a rectangular table"),
        (np.zeros((2, 2), complex), TypeError, "X must hold real numbers"),
        (torch.zeros(2, 2, dtype=torch.bool), TypeError, "torch.bool"),
        (None, TypeError, "X must hold real numbers"),
    ],
)
def test_bad_tables(x, error, message):
    with pytest.raises(error, match=message):
        as_matrix(x, "X")


def test_wanted_columns_and_rows():
    with pytest.raises(ValueError, match=r"X must have 3 column\(s\), got 2"):
        as_matrix(np.zeros((4, 2)), "X", n_columns=3)
    with pytest.raises(ValueError, match="at least 5 row"):
        as_matrix(np.zeros((4, 2)), "X", min_rows=5)


@pytest.mark.parametrize(
    ("x", "error"),
    [(0.0, ValueError), (2.5, ValueError), (float("nan"), ValueError), ("1", TypeError)]
    + [(True, TypeError), (None, TypeError), (float("inf"), ValueError)],
)
def test_bad_numbers(x, error):
    with pytest.raises(error, match="rate must be"):
        check_number(x, "rate", low=0, high=2, low_open=True)


def test_good_numbers_and_closed_ends():
    assert check_number(np.float32(2), "rate", low=0, high=2) == 2.0
    with pytest.raises(ValueError, match="< 2"):
        check_number(2, "rate", high=2, high_open=True)


@pytest.mark.parametrize(("x", "error"), [(0, ValueError), (6, ValueError), (2.0, TypeError)])
def test_bad_integers(x, error):
    with pytest.raises(error, match="k must be an integer"):
        check_integer(x, "k", low=1, high=5)


def test_choices():
    assert check_choice("diag", "covariance_type", ("diag", "full")) == "diag"
    with pytest.raises(ValueError, match="covariance_type must be one of 'diag', 'full', got 3"):
        check_choice(3, "covariance_type", ("diag", "full"))
    assert check_integer(np.int64(4), "k", low=1) == 4
