"""The COVID-19 panel: the published totals and what its loader must say about it."""

import numpy as np
import pytest
import torch

from mixbook.data import DataError, load_covid19_panel
from mixbook.data import covid19_panel as module


def test_totals_of_the_last_day():
    panel = load_covid19_panel()
    assert panel.counts.shape == (188, 120, 3)
    assert panel.counts.dtype == np.float32
    assert panel.counts[:, -1].sum(0, dtype=float).tolist() == [4_996_472, 4_996_472, 1_897_466]
    assert panel.counts.min() == 0


def test_the_shorter_panel():
    panel = load_covid19_panel(105)
    assert panel.counts.shape == (187, 105, 3)
    assert panel.counts[:, -1].sum(0, dtype=float).tolist() == [3_662_691, 3_662_691, 1_198_832]


def test_two_of_the_three_variables_are_one():
    panel = load_covid19_panel()
    assert (panel.counts[..., 0] == panel.counts[..., 1]).all()
    assert panel.distinct.shape == (188, 120, 2)
    assert (panel.distinct[..., 1] <= panel.distinct[..., 0]).all()
    assert (panel.distinct[:, -1, 1] < panel.distinct[:, -1, 0]).any()


def test_some_counts_were_revised_downwards():
    assert (np.diff(load_covid19_panel().distinct, axis=1) < 0).any()


@pytest.mark.parametrize("days", [0, 119, "all", None])
def test_bad_number_of_days(days):
    with pytest.raises(ValueError, match="days must be one of '120', '105'"):
        load_covid19_panel(days)


def test_bad_shape_is_refused(tmp_path, monkeypatch):
    torch.save(torch.zeros(2, 3), tmp_path / "panel.pth")
    monkeypatch.setattr(module, "fetch", lambda name: tmp_path / "panel.pth")
    with pytest.raises(DataError, match=r"must hold an array \(188, 120, 3\)"):
        load_covid19_panel()


def test_bad_pickle_is_not_run(tmp_path, monkeypatch):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save(Evil(), tmp_path / "panel.pth")
    monkeypatch.setattr(module, "fetch", lambda name: tmp_path / "panel.pth")
    with pytest.raises(Exception, match="[Ww]eights"):
        load_covid19_panel()
    assert not (tmp_path / "ran").exists()
