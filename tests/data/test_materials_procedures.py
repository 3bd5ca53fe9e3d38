"""The annotated synthesis procedures."""

import re
from collections import Counter

import pytest

from mixbook.data import DataError, load_materials_procedures


@pytest.fixture(scope="module")
def corpus():
    return load_materials_procedures()


def test_published_counts(corpus):
    """As the corpus counts its own mentions of each type."""
    lines = [line for p in corpus.procedures for line in p.annotations.splitlines()]
    types = Counter(line.split("\t")[1].split()[0] for line in lines if line.startswith("T"))
    assert len(corpus.procedures) == 230
    assert types["Material"] == 5_031
    assert types["Operation"] == 3_788
    assert sum(line.startswith("R") for line in lines) == 14_262


def test_annotations_point_into_the_text(corpus):
    """Offsets count characters of the whole file."""
    spans = 0
    for p in corpus.procedures:
        for start, end, words in re.findall(r"^T\d+\t\S+ (\d+) (\d+)\t(.*)$", p.annotations, re.M):
            assert p.text[int(start) : int(end)].split() == words.split(), p.name
            spans += 1
    assert spans > 21_000


def test_parts_of_a_file(corpus):
    p = corpus.procedures[0]
    assert p.name == "101002adma200903953"
    assert re.sub(r"[./]", "", p.doi) == p.name
    assert p.text.startswith(f"{p.doi}\n{p.title}\n{p.body[:20]}")
    assert p.path.name == f"{p.name}.ann"
    assert list(corpus.procedures) == sorted(corpus.procedures, key=lambda p: p.name)


def test_splits_cover_everything_once(corpus):
    sizes = {split: len(corpus.part(split)) for split in corpus.splits}
    assert sizes == {"train": 200, "dev": 15, "test": 15}
    assert len(corpus.part("train", "dev", "test")) == 230
    assert len(corpus.part("dev", "test")) == 30


def test_bad_split(corpus):
    for wrong in ((), ("valid",), ("train", "valid")):
        with pytest.raises(ValueError, match="splits must be of train, dev, test"):
            corpus.part(*wrong)


def test_bad_download_names_the_file(monkeypatch):
    def refuse(name):
        raise DataError(f"data file {name!r} could not be had")

    monkeypatch.setattr("mixbook.data.materials_procedures.fetch", refuse)
    with pytest.raises(DataError, match="materials_procedures/data/101002adma200903953.txt"):
        load_materials_procedures()
