import re

import numpy as np
import pytest

from mixbook.data import DataError, load_citeulike_a
from mixbook.data.citeulike import _incidence
from mixbook.data.registry import fetch


def test_sizes_are_those_published():
    data = load_citeulike_a()
    assert data.users.shape == (5551, 16_980)
    assert data.users.nnz == 204_986
    assert data.users.sum(axis=1).min() >= 10
    assert np.median(data.users.sum(axis=1)) == 22
    assert data.tags.shape[0] == data.citations.shape[0] == 16_980
    assert (data.tags.sum(axis=1) == 0).sum() == 3461
    assert data.tags.nnz <= 239_253
    for table in (data.users, data.citations, data.tags):
        assert set(table.data.tolist()) == {1}


def test_citations_go_both_ways():
    links = load_citeulike_a().citations
    assert abs(links - links.T).nnz == 0
    assert links.nnz == 2 * 44_709
    assert links.trace() == 96


def test_lines_are_kept_in_order():
    """The rows of the table against the text of the file, line by line."""
    lines = fetch("citeulike_a/users.dat").read_text().splitlines()
    users = load_citeulike_a().users
    for u in (0, 1, 17, 5550):
        count, *ids = map(int, lines[u].split())
        assert sorted(ids) == users[[u]].indices.tolist()
        assert count == len(ids)


def test_an_id_listed_twice_counts_once():
    table = _incidence([np.array([2, 0, 2]), np.array([], dtype=int)], 4)
    assert table.toarray().tolist() == [[1, 0, 1, 0], [0, 0, 0, 0]]


def refuse(*args, **kwargs):
    raise OSError("no route to host")


@pytest.mark.parametrize("content", [None, b"2 0 1\n"])
def test_bad_file_is_named(tmp_path, monkeypatch, content):
    """Missing or damaged, and no network: the error says which file and which variable."""
    monkeypatch.setenv("MIXBOOK_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("pooch.downloaders.HTTPDownloader.__call__", refuse)
    if content is not None:
        (tmp_path / "citeulike_a").mkdir()
        (tmp_path / "citeulike_a" / "users.dat").write_bytes(content)
    name = "citeulike_a/users.dat"
    with pytest.raises(DataError, match=re.escape(name)) as caught:
        load_citeulike_a()
    assert "MIXBOOK_DATA_DIR" in str(caught.value)
