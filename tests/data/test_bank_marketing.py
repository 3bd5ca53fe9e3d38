import re

import numpy as np
import pytest

from mixbook.data import DataError, load_bank_marketing
from mixbook.data.registry import fetch


def test_sizes_and_shares_are_those_published():
    data = load_bank_marketing()
    assert data.X_train.shape == (27_126, 16)
    assert data.X_val.shape == (9042, 16)
    assert data.X_test.shape == (9043, 16)
    y = np.concatenate([data.y_train, data.y_val, data.y_test])
    assert len(y) == 45_211
    assert y.sum() == 5289  # the number of deposits that the original data set states
    assert set(y.tolist()) == {0, 1}


def test_rows_are_the_lines_of_the_files():
    data = load_bank_marketing()
    for part, X, y in (
        ("train", data.X_train, data.y_train),
        ("val", data.X_val, data.y_val),
        ("test", data.X_test, data.y_test),
    ):
        x_lines = fetch(f"bank_marketing/x_{part}.csv").read_text().split()[1:]
        y_lines = fetch(f"bank_marketing/y_{part}.csv").read_text().split()[1:]
        assert len(x_lines) == len(X) == len(y) == len(y_lines)
        for i in (0, 2, len(X) - 1):
            np.testing.assert_allclose(X[i], [float(v) for v in x_lines[i].split(",")], rtol=1e-6)
            assert y[i] == float(y_lines[i])


def test_constant_columns_go_and_the_rest_is_standardised_on_training_rows():
    data = load_bank_marketing()
    train, val, test = data.standardised()
    varying = [j for j in range(16) if len(set(data.X_train[:, j].tolist())) > 1]
    assert train.shape == (27_126, len(varying))
    assert val.shape[1] == test.shape[1] == len(varying)
    np.testing.assert_allclose(train.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(train.std(0), 1, atol=1e-3)
    j = varying.index(5)
    column = data.X_train[:, 5].astype(float)
    np.testing.assert_allclose(
        test[:, j], (data.X_test[:, 5] - column.mean()) / column.std(), rtol=1e-3, atol=1e-4
    )


def refuse(*args, **kwargs):
    raise OSError("no route to host")


@pytest.mark.parametrize("content", [None, b"0,1\n"])
def test_bad_file_is_named(tmp_path, monkeypatch, content):
    monkeypatch.setenv("MIXBOOK_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("pooch.downloaders.HTTPDownloader.__call__", refuse)
    if content is not None:
        (tmp_path / "bank_marketing").mkdir()
        (tmp_path / "bank_marketing" / "x_train.csv").write_bytes(content)
    with pytest.raises(DataError, match=re.escape("bank_marketing/x_train.csv")) as caught:
        load_bank_marketing()
    assert "MIXBOOK_DATA_DIR" in str(caught.value)
