"""The CIFAR-10 subset: what it holds, and how it is cut out of the repository's archive."""

import io
import random
import re
import zipfile

import numpy as np
import pytest
from PIL import Image

from mixbook.data import DataError, fetch, load_cifar10_jpg
from mixbook.data.cifar10 import CIFAR10_CLASSES
from mixbook.data.registry import ENV

DOWNLOAD = "pooch.HTTPDownloader.__call__"
TOP = "CIFAR-10-images-d7d05618061fe37d830fb0419063d113c575ccbc"


@pytest.fixture(scope="module")
def members():
    """Name -> bytes of every image of the subset, from the archives at hand."""
    found = {}
    for part in ("train", "test"):
        with zipfile.ZipFile(fetch(f"cifar10_jpg/cifar10_{part}_subset.zip")) as archive:
            found |= {name: archive.read(name) for name in archive.namelist()}
    return found


@pytest.fixture
def repository(members, tmp_path, monkeypatch):
    """An empty data folder, and a stand-in for the server; ``serve(images)`` says what it has."""
    monkeypatch.setenv(ENV, str(tmp_path / "cache"))
    requests = []

    def serve(images):
        entries = [(f"{TOP}/{name}", content) for name, content in images.items()]
        random.Random(0).shuffle(entries)

        def download(self, url, output_file, pup):
            requests.append(url)
            with zipfile.ZipFile(output_file, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in entries:
                    archive.writestr(name, content)

        monkeypatch.setattr(DOWNLOAD, download)
        return requests

    return serve


def test_images_and_labels(members):
    cifar = load_cifar10_jpg()
    assert cifar.X.shape == (4000, 32, 32, 3)
    assert cifar.X_test.shape == (1000, 32, 32, 3)
    assert cifar.X.dtype == np.uint8
    assert np.bincount(cifar.y).tolist() == [400] * 10
    assert np.bincount(cifar.y_test).tolist() == [100] * 10
    assert list(cifar.classes) == sorted(cifar.classes)
    for part, X, y, row in (
        ("train", cifar.X, cifar.y, 1234),
        ("test", cifar.X_test, cifar.y_test, 7),
    ):
        names = sorted(name for name in members if name.startswith(part))
        assert names[row].split("/")[1] == CIFAR10_CLASSES[y[row]]
        with Image.open(io.BytesIO(members[names[row]])) as image:
            red, green, blue = image.convert("RGB").getpixel((3, 20))  # column, row
        assert X[row, 20, 3].tolist() == [red, green, blue]
    # planes and ships are bluer than frogs and deer
    blueness = [
        (cifar.X[cifar.y == k, ..., 2].mean() - cifar.X[cifar.y == k].mean()) for k in range(10)
    ]
    assert min(blueness[0], blueness[8]) > max(blueness[4], blueness[6])


def test_the_subset_is_cut_out_of_one_download(members, repository):
    decoys = {
        "README.md": b"text",
        "train/airplane/0400.jpg": b"not among the first 400",
        "test/truck/0999.jpg": b"not among the first 100",
        "train/list.txt": b"text",
    }
    requests = repository(members | decoys)
    cifar = load_cifar10_jpg()
    assert len(requests) == 1
    assert requests[0].endswith("/CIFAR-10-images.zip")
    assert cifar.y.tolist() == np.repeat(range(10), 400).tolist()
    load_cifar10_jpg()
    assert len(requests) == 1  # found in the folder


@pytest.mark.parametrize("change", ["damaged", "missing"])
def test_bad_archive_is_refused_and_nothing_stays(change, members, repository, tmp_path):
    images, name = dict(members), "train/cat/0007.jpg"
    if change == "damaged":
        images[name] = images[name][:-1] + b"?"
    else:
        del images[name]
    repository(images)
    with pytest.raises(DataError, match="cifar10_train_subset.zip.*registered checksum") as caught:
        load_cifar10_jpg()
    assert ENV in str(caught.value)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_bad_network_is_named(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setenv(ENV, str(tmp_path))
    monkeypatch.setattr(DOWNLOAD, refuse)
    name = re.escape("cifar10_jpg/cifar10_train_subset.zip")
    with pytest.raises(DataError, match=f"{name}.*no route to host.*{ENV}"):
        load_cifar10_jpg()
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]
