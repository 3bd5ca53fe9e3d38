import gzip
import re

import numpy as np
import pytest

from mixbook.data import DataError, load_adult
from mixbook.data.registry import fetch


def lines(name):
    text = gzip.decompress(fetch(f"adult/{name}").read_bytes()).decode()
    return [line.split(", ") for line in text.splitlines() if line.count(",") == 14]


def test_sizes_and_shares_are_those_published():
    data = load_adult()
    assert data.train.shape == (32_561, 14)
    assert data.test.shape == (16_281, 14)
    assert data.y_train.sum() == 7841
    assert data.y_test.sum() == 3846


def test_rows_are_the_lines_of_the_files():
    data = load_adult()
    for name, frame, y in (
        ("adult.data.gz", data.train, data.y_train),
        ("adult.test.gz", data.test, data.y_test),
    ):
        rows = lines(name)
        assert len(rows) == len(frame)
        for i in (0, 14, len(rows) - 1):
            assert [str(v) for v in frame.iloc[i]] == rows[i][:14]
            assert y[i] == rows[i][14].startswith(">50K")


def test_features_by_hand():
    data = load_adult()
    X, X_test, names = data.features()
    assert X.shape == (32_561, len(names)) == (32_561, 91)
    assert X_test.shape == (16_281, 91)
    assert X.dtype == np.float32
    np.testing.assert_allclose(X[:, :5].mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(X[:, :5].std(0), 1, atol=1e-4)
    first = np.array([float(row[0]) for row in lines("adult.data.gz")])
    assert X_test[3, 0] == pytest.approx((44 - first.mean()) / first.std(), abs=1e-5)
    gain = np.log1p([float(row[10]) for row in lines("adult.data.gz")])
    np.testing.assert_allclose(X[:, 2], (gain - gain.mean()) / gain.std(), atol=1e-4)
    np.testing.assert_array_equal(X[:, 5:].sum(1), 7)  # one word in each of seven columns
    assert {names[i] for i in np.flatnonzero(X[0, 5:]) + 5} == {
        "workclass=State-gov",
        "marital_status=Never-married",
        "occupation=Adm-clerical",
        "relationship=Not-in-family",
        "race=White",
        "sex=Male",
        "native_country=United-States",
    }


def refuse(*args, **kwargs):
    raise OSError("no route to host")


@pytest.mark.parametrize("content", [None, b"39, State-gov"])
def test_bad_file_is_named(tmp_path, monkeypatch, content):
    monkeypatch.setenv("MIXBOOK_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("pooch.downloaders.HTTPDownloader.__call__", refuse)
    if content is not None:
        (tmp_path / "adult").mkdir()
        (tmp_path / "adult" / "adult.data.gz").write_bytes(content)
    with pytest.raises(DataError, match=re.escape("adult/adult.data.gz")) as caught:
        load_adult()
    assert "MIXBOOK_DATA_DIR" in str(caught.value)
