"""The ScHoLP loaders, with small files of our own making."""

import gzip
import hashlib

import numpy as np
import pandas as pd
import pytest

h5py = pytest.importorskip("h5py")

from mixbook.data import DataError, load_scholp, load_scholp_published, scholp  # noqa: E402
from mixbook.data.registry import ENV  # noqa: E402

STATISTICS = "dataset,nnodes,nopentri\ntoy,9,3\ntoy-3-3,7,2\n"


def write(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def jld2(folder, network, p, performance):
    path = folder / scholp.PUBLISHED / "generalized-means" / f"{network}{scholp.MEANS_SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:  # Julia puts its header there
        file["ps"], file["improvements"] = np.array(p), np.array(performance)
    return path


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A data folder with the published counts of one small network, all registered."""
    registry = {}
    for name, text in {
        "toy-statistics.csv": STATISTICS,
        "toy-3-node-closures.txt": "0\t0\t0\t50\t3\n0\t0\t1\t20\t1\n",
        "toy-4-node-closures.txt": "-3\t-3\t-3\t0\t7\t2\n",
    }.items():
        file = f"{scholp.PUBLISHED}/{name}"
        registry[file] = (write(tmp_path, file, text.encode()), "http://127.0.0.1:9/none")
    path = jld2(tmp_path, "toy", [-np.inf, 0.0, 0.25, np.inf], [1.23456789, 2, 3, 0.5])
    file = path.relative_to(tmp_path).as_posix()
    registry[file] = (hashlib.sha256(path.read_bytes()).hexdigest(), "http://127.0.0.1:9/none")
    monkeypatch.setenv(ENV, str(tmp_path))
    monkeypatch.setattr("mixbook.data.registry.known_files", lambda: registry)
    monkeypatch.setattr("mixbook.data.scholp.known_files", lambda: registry)
    return tmp_path


def test_published_counts_are_parsed(toy):
    counts = load_scholp_published()
    assert counts.statistics.loc["toy"].to_dict() == {"nnodes": 9, "nopentri": 3}
    assert counts.statistics_3.loc["toy"].to_dict() == {"nnodes": 7, "nopentri": 2}
    assert counts.closures_3 == {"toy": {(0, 0, 0): (50, 3), (0, 0, 1): (20, 1)}}
    assert counts.closures_4 == {"toy": {(-3, -3, -3, 0): (7, 2)}}


def test_means_are_read_from_the_original_files(toy):
    means = load_scholp_published().means
    assert means.dataset.tolist() == ["toy"] * 4
    assert means.p.tolist() == [-np.inf, 0.0, 0.25, np.inf]
    assert means.relative_auprc.tolist() == [1.234568, 2, 3, 0.5]


def test_a_shared_conversion_is_used_only_with_the_right_checksum(toy, monkeypatch):
    content = b"dataset,p,relative_auprc\nother,-inf,9.000000\n"
    write(toy, scholp.MEANS_CSV, content)
    assert load_scholp_published().means.dataset[0] == "toy"
    monkeypatch.setattr(scholp, "MEANS_SHA256", hashlib.sha256(content).hexdigest())
    means = load_scholp_published().means
    pd.testing.assert_frame_equal(
        means, pd.DataFrame({"dataset": ["other"], "p": [-np.inf], "relative_auprc": [9.0]})
    )


def test_a_network_is_read_from_packed_files(tmp_path, monkeypatch):
    texts = {"simplices": "1\n2\n2\n3\n", "nverts": "2\n2\n", "times": "5\n4\n"}
    registry = {}
    for part, text in texts.items():
        file = f"scholp/email-Eu/email-Eu-{part}.txt.gz"
        registry[file] = (
            write(tmp_path, file, gzip.compress(text.encode())),
            "http://127.0.0.1:9/x",
        )
    monkeypatch.setenv(ENV, str(tmp_path))
    monkeypatch.setattr("mixbook.data.registry.known_files", lambda: registry)
    monkeypatch.setattr("mixbook.data.scholp.known_files", lambda: registry)
    data = load_scholp("email-Eu")
    assert [s.tolist() for s in data.simplices] == [[0, 1], [1, 2]]
    assert (data.times.tolist(), data.node_labels, data.name) == ([5, 4], None, "email-Eu")
    (tmp_path / "scholp/email-Eu/email-Eu-times.txt.gz").unlink()
    with pytest.raises(DataError, match=r"email-Eu-times\.txt\.gz"):
        load_scholp("email-Eu")


def test_bad_network_name():
    with pytest.raises(ValueError, match=r"name must be one of email-Enron.*got 'enron'"):
        load_scholp("enron")


def test_every_network_and_every_original_is_registered():
    from mixbook.data import known_files

    for name in scholp.SCHOLP_NETWORKS:
        for part in ("simplices", "nverts", "times"):
            stem = f"scholp/{name}/{name}-{part}.txt"
            assert stem in known_files() or f"{stem}.gz" in known_files()
    originals = [name for name in known_files() if name.endswith(scholp.MEANS_SUFFIX)]
    assert len(originals) == 17
