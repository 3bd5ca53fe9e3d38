import re

import numpy as np
import pytest

from mixbook.data import DataError, load_cite_pca50
from mixbook.data.cite import DAYS, CitePCA


def test_populations_are_those_of_the_paper():
    cite = load_cite_pca50()
    assert tuple(cite.cells) == DAYS
    assert [len(cite[day]) for day in DAYS] == [6071, 7643, 8485, 7195]
    for day in DAYS:
        assert cite[day].shape[1] == 50
        assert cite[day].dtype == np.float32
        assert np.isfinite(cite[day]).all()
    # principal components: the first carries the largest spread of the pooled cells
    spread = np.concatenate(list(cite.cells.values())).std(axis=0)
    assert spread.argmax() == 0
    assert spread[0] > 3 * spread[-1]


def test_scale_pools_the_days_before_taking_deviations():
    x, y = np.array([[0.0, 0.0], [2.0, 0.0]]), np.array([[4.0, 6.0], [6.0, 6.0]])
    cite = CitePCA({2: x, 4: y})
    pooled = np.array([[0, 2, 4, 6], [0, 0, 6, 6]])
    assert cite.scale(2, 4) == pytest.approx(np.sqrt(pooled.var(axis=1)).mean())
    assert cite.scale(2) == pytest.approx(0.5)


@pytest.mark.parametrize("day", [5, "2", None])
def test_bad_day(day):
    cite = CitePCA({2: np.ones((3, 50))})
    with pytest.raises(ValueError, match=r"^day must be one of 2, got"):
        cite[day]
    with pytest.raises(ValueError, match=r"^days must"):
        cite.scale()


def test_bad_file_is_named(tmp_path, monkeypatch):
    """No network and no file: the error says which file and which variable."""
    name = "cite_pca50/full_cite_pcas_50_day_2.npy"
    monkeypatch.setenv("MIXBOOK_DATA_DIR", str(tmp_path))

    def refuse(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr("pooch.downloaders.HTTPDownloader.__call__", refuse)
    with pytest.raises(DataError, match=re.escape(name)) as caught:
        load_cite_pca50()
    assert "MIXBOOK_DATA_DIR" in str(caught.value)
    assert not any(p.is_file() for p in tmp_path.rglob("*"))
