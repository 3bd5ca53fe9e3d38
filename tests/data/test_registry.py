"""The registry with files of our own making, served from this machine."""

import hashlib
import http.server
import pickle
import re
import threading
from functools import partial

import pytest

from mixbook.data import DataError, UnsafePickleError, data_dir, fetch, known_files, load_pickle
from mixbook.data.registry import ENV

CONTENT = b"0 1\n1 2\n" * 1000


class Server(http.server.SimpleHTTPRequestHandler):
    truncate = False

    def log_message(self, *args):
        pass

    def copyfile(self, source, outputfile):
        data = source.read()
        outputfile.write(data[: len(data) // 2] if type(self).truncate else data)


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A registry of one file, ``toy/edges.txt``, on a local server; yields its folder."""
    site, cache = tmp_path / "site", tmp_path / "cache"
    site.mkdir()
    (site / "edges.txt").write_bytes(CONTENT)
    handler = partial(Server, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/edges.txt"
    sha = hashlib.sha256(CONTENT).hexdigest()
    monkeypatch.setattr("mixbook.data.registry.known_files", lambda: {"toy/edges.txt": (sha, url)})
    monkeypatch.setenv(ENV, str(cache))
    monkeypatch.setattr(Server, "truncate", False)
    yield site
    server.shutdown()
    server.server_close()


def leftovers():
    return [p for p in data_dir().rglob("*") if p.is_file()] if data_dir().is_dir() else []


def test_a_file_is_downloaded_once_and_then_found(served):
    first = fetch("toy/edges.txt")
    assert first.read_bytes() == CONTENT
    (served / "edges.txt").unlink()
    assert fetch("toy/edges.txt") == first


def test_a_damaged_cache_is_downloaded_again(served):
    fetch("toy/edges.txt").write_bytes(b"rubbish")
    assert fetch("toy/edges.txt").read_bytes() == CONTENT


def test_a_wrong_checksum_is_refused_and_nothing_stays(served):
    (served / "edges.txt").write_bytes(b"something else")
    with pytest.raises(DataError, match=r"'toy/edges.txt'.*http.*registered checksum.*" + ENV):
        fetch("toy/edges.txt")
    assert leftovers() == []


def test_a_truncated_download_is_refused_and_nothing_stays(served, monkeypatch):
    monkeypatch.setattr(Server, "truncate", True)
    with pytest.raises(DataError, match="could not be had"):
        fetch("toy/edges.txt")
    assert leftovers() == []


def test_no_network_and_no_cache(served, monkeypatch):
    sha = hashlib.sha256(CONTENT).hexdigest()
    dead = {"toy/edges.txt": (sha, "http://127.0.0.1:9/edges.txt")}
    monkeypatch.setattr("mixbook.data.registry.known_files", lambda: dead)
    with pytest.raises(DataError, match=r"toy/edges.txt.*127.0.0.1:9.*" + ENV):
        fetch("toy/edges.txt")
    assert leftovers() == []


def test_a_cache_that_cannot_be_written(served, tmp_path, monkeypatch):
    (tmp_path / "a_file").write_text("not a folder")
    monkeypatch.setenv(ENV, str(tmp_path / "a_file" / "cache"))
    with pytest.raises(DataError, match=f"a writable one.*{ENV}"):
        fetch("toy/edges.txt")


def test_unknown_files_are_refused():
    with pytest.raises(ValueError, match="not a registered data file"):
        fetch("toy/nothing.txt")


def test_registry_entries_are_pinned():
    assert len(known_files()) > 50
    for name, (sha, url) in known_files().items():
        assert re.fullmatch(r"[0-9a-f]{64}", sha), name
        assert url.startswith("https://"), name
        assert re.search(r"/[0-9a-f]{40}/", url), f"{name} is not pinned to a commit"


class Bomb:
    def __reduce__(self):
        return print, ("this must never be printed",)


def test_a_malicious_pickle_is_refused_before_it_runs(tmp_path, capsys):
    path = tmp_path / "bomb.pkl"
    path.write_bytes(pickle.dumps([1, Bomb()]))
    with pytest.raises(UnsafePickleError, match=r"builtins\.print"):
        load_pickle(path)
    assert capsys.readouterr().out == ""


def test_plain_pickles_and_allowed_names_load(tmp_path):
    path = tmp_path / "plain.pkl"
    path.write_bytes(pickle.dumps({"a": [1, 2.5, "x"], "b": complex(1, 2)}))
    with pytest.raises(UnsafePickleError, match=r"builtins\.complex"):
        load_pickle(path)
    assert load_pickle(path, allowed={"builtins.complex"})["b"] == 1 + 2j
