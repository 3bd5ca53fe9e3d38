"""Matching clusters with classes, against all permutations."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixbook.core.clustering import clustering_error, match_labels


def brute_force(y, y_pred, K):
    return min(np.mean(np.array(names)[y_pred] != y) for names in permutations(range(K)))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_the_error_is_the_least_over_all_permutations(pairs):
    y, y_pred = np.array(pairs).T
    assert clustering_error(y, y_pred) == pytest.approx(brute_force(y, y_pred, 4))


def test_by_hand():
    assert clustering_error([0, 0, 1, 1], ["b", "b", "a", "b"]) == 0.25
    assert clustering_error([0, 0, 0, 1], [1, 1, 1, 0]) == 0
    assert clustering_error([0, 0, 1, 1], [0, 1, 2, 3]) == 0.5  # two clusters have no partner
    assert clustering_error([0, 1, 2], [5, 5, 5]) == pytest.approx(2 / 3)
    # taking the largest cell first gives 0.5, the best matching 0.4
    assert clustering_error([0] * 7 + [1] * 3, [0] * 4 + [1] * 3 + [0] * 3) == pytest.approx(0.4)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=30))
def test_matched_labels_have_the_same_error_without_a_matching(pairs):
    y, y_pred = np.array(pairs).T
    matched = match_labels(y, y_pred)
    assert np.mean(matched != y) == pytest.approx(clustering_error(y, y_pred))
    # still the same partition
    assert len(set(zip(matched.tolist(), y_pred.tolist()))) == len(set(y_pred.tolist()))
    assert len(set(matched.tolist())) == len(set(y_pred.tolist()))


def test_clusters_without_a_partner_get_new_numbers():
    assert match_labels([3, 3, 7, 7], [0, 0, 0, 1]).tolist() == [3, 3, 3, 7]
    assert match_labels([3, 3, 3], [2, 2, 0]).tolist() == [3, 3, 4]


@pytest.mark.parametrize("function", [clustering_error, match_labels])
def test_bad_labels_are_refused(function):
    with pytest.raises(ValueError, match="same length, got 2 and 3"):
        function([0, 1], [0, 1, 1])
    with pytest.raises(ValueError, match=r"y must have shape \(n,\)"):
        function([], [])
    with pytest.raises(ValueError, match=r"y_pred must have shape \(n,\)"):
        function([0, 1], [[0, 1]])
    with pytest.raises(ValueError, match="y_pred must be finite"):
        function([0, 1], [0.0, np.nan])


def test_bad_classes_to_match_are_refused():
    with pytest.raises(TypeError, match="y must hold integers"):
        match_labels(["a", "b"], [0, 1])
