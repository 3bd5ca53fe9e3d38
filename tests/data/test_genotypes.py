import re

import numpy as np
import pytest

from mixbook.data import DataError, load_gypsy_moth, load_m_fijiensis, load_myco


def test_gypsy_moths_are_those_of_the_paper():
    moths = load_gypsy_moth()
    assert moths.G.shape == (90, 2327, 2)
    assert moths.ploidy == 2
    assert len(moths) == len(set(moths.ids)) == 90
    names, counts = np.unique(moths.y, return_counts=True)
    wanted = {"BJ": 12, "CT": 10, "JA": 12, "JL": 10, "KG": 12, "MG": 11, "RB": 12, "RM": 11}
    assert dict(zip(names.tolist(), counts.tolist())) == wanted
    assert (moths.G == "N").sum() == 24_382
    assert set(moths.G.ravel().tolist()) == set("ACGTN")


def test_heterozygotes_of_a_locus_are_written_in_one_order():
    G = load_gypsy_moth().G
    up, down = (G[..., 0] < G[..., 1]).any(0), (G[..., 0] > G[..., 1]).any(0)
    assert not (up & down).any()


def test_the_fungus_is_that_of_the_paper():
    fungus = load_m_fijiensis()
    assert fungus.G.shape == (678, 21)
    assert fungus.ploidy == 1
    counts = np.unique(fungus.y, return_counts=True)[1]
    assert (len(counts), counts.min(), counts.max()) == (21, 12, 66)
    assert (fungus.G == -9).mean() == pytest.approx(0.053, abs=5e-4)
    assert (fungus.G[fungus.G != -9] > 0).all()


def write(tmp_path, text):
    path = tmp_path / "a.myc"
    path.write_text(text)
    return path


def test_two_lines_make_a_diploid(tmp_path):
    path = write(tmp_path, "a P 0 A C N\na P 0 A G N\n\nb Q 0 T C A\nb Q 0 T C G\n")
    found = load_myco(path, diploid=True, microsatellite=False)
    assert found.G.tolist() == [
        [["A", "A"], ["C", "G"], ["N", "N"]],
        [["T", "T"], ["C", "C"], ["A", "G"]],
    ]
    assert found.y.tolist() == ["P", "Q"]
    assert found.ids.tolist() == ["a", "b"]
    some = found.take(individuals=[1], loci=[2, 0])
    assert some.G.tolist() == [[["A", "G"], ["T", "T"]]]
    assert some.loci.tolist() == [2, 0]
    assert some.y.tolist() == ["Q"]


@pytest.mark.parametrize("missing", ["000", "-9", "0"])
def test_microsatellites_are_numbers(tmp_path, missing):
    path = write(tmp_path, f"a 1 0 119 271\nb 2 0 {missing} 099\n")
    found = load_myco(path, diploid=False, microsatellite=True)
    assert found.G.tolist() == [[119, 271], [-9, 99]]


@pytest.mark.parametrize(
    ("text", "diploid", "microsatellite", "words"),
    [
        ("", False, False, "at least one line"),
        ("a P 0\n", False, False, "the same number of alleles"),
        ("a P 0 A C\nb P 0 A\n", False, False, "lines of 4, 5 fields"),
        ("a P 0 A\nb P 0 A\n", True, False, "two lines in a row"),
        ("a P 0 A\na Q 0 A\n", True, False, "two lines in a row"),
        ("a P 0 A\n", True, False, "two lines in a row"),
        ("a P 0 A\n", False, True, "must be integers"),
        ("a P 0 119\n", False, False, "single letters"),
    ],
)
def test_bad_lines_are_refused(tmp_path, text, diploid, microsatellite, words):
    with pytest.raises(ValueError, match=words):
        load_myco(write(tmp_path, text), diploid, microsatellite)


def test_bad_path_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.myc"):
        load_myco(tmp_path / "nothing.myc", diploid=False, microsatellite=False)


@pytest.mark.parametrize("content", [None, b"a P 0 A\n"])
@pytest.mark.parametrize(
    ("load", "name"),
    [(load_gypsy_moth, "gypsy_moth/gipsy.myc"), (load_m_fijiensis, "m_fijiensis/myco.myc")],
)
def test_bad_file_is_named(tmp_path, monkeypatch, load, name, content):
    """Missing or damaged, and no network: the error says which file and which variable."""

    def refuse(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setenv("MIXBOOK_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("pooch.downloaders.HTTPDownloader.__call__", refuse)
    if content is not None:
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=re.escape(name)) as caught:
        load()
    assert "MIXBOOK_DATA_DIR" in str(caught.value)
