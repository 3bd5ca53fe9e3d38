"""Races and growth curves of the random projections, against SciPy, scikit-learn and plain NumPy.

Run with ``pytest benchmarks/test_intrinsic_dimension.py -s``. Processor time of one thread; rivals
take turns and the fastest of many turns counts, so that other programs disturb little.
"""

import time

import numpy as np
import pytest
import scipy.linalg
import torch
from sklearn.random_projection import SparseRandomProjection

from mixbook.landscapes import intrinsic_dimension as idm

LINES = []


@pytest.fixture(scope="module", autouse=True)
def report():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    print("\n" + "\n".join(LINES))


def race(rivals, turns=15):
    """Milliseconds of processor time of each rival: the least of several turns."""
    least = dict.fromkeys(rivals, np.inf)
    with torch.no_grad():
        for run in rivals.values():
            run()
        for _ in range(turns):
            for name, run in rivals.items():
                start = time.process_time()
                run()
                least[name] = min(least[name], 1e3 * (time.process_time() - start))
    return least


def split_and_concatenate(x):
    """The transform as it is often written in NumPy: one axis of length 2 a pass."""
    bits = x.size.bit_length() - 1
    y = x.reshape([2] * bits)
    for axis in range(bits):
        a, b = np.split(y, 2, axis=axis)
        y = np.concatenate((a + b, a - b), axis=axis)
    return y.reshape(-1)


def test_fwht_against_numpy_passes(benchmark):
    x = torch.randn(2**18)
    np.testing.assert_allclose(idm.fwht(x), split_and_concatenate(x.numpy()), atol=0.05)
    rivals = {"ours": lambda: idm.fwht(x), "numpy": lambda: split_and_concatenate(x.numpy())}
    least = race(rivals)
    LINES.append("fwht, 2^18: " + ", ".join(f"{k} {v:.2f} ms" for k, v in least.items()))
    benchmark(rivals["ours"])
    assert least["ours"] < least["numpy"]


def test_fwht_against_scipys_matrix(benchmark):
    n = 2**12
    x, H = torch.randn(n), scipy.linalg.hadamard(n, dtype=np.float32)
    np.testing.assert_allclose(idm.fwht(x), H @ x.numpy(), atol=0.01)
    rivals = {"ours": lambda: idm.fwht(x), "scipy matrix": lambda: H @ x.numpy()}
    least = race(rivals)
    LINES.append("fwht, 2^12: " + ", ".join(f"{k} {v:.2f} ms" for k, v in least.items()))
    benchmark(rivals["ours"])
    assert least["ours"] < least["scipy matrix"]


@pytest.mark.parametrize("members", [1, 8])
def test_sparse_product_against_scikit_learn(members, benchmark):
    """Same density, so the same number of products; scikit-learn multiplies with SciPy."""
    D, d = 199_210, 500
    peer = SparseRandomProjection(d, random_state=0).fit(np.zeros((1, D), dtype=np.float32))
    backwards = peer.components_.T.tocsr()
    ours = idm.SparseProjection(D, d, 0)
    t, g = torch.randn(members, d), torch.randn(members, D)
    rivals = {
        "ours P t": lambda: ours(t),
        "scikit-learn P t": lambda: backwards @ t.numpy().T,
        "ours P^T g": lambda: ours.T(g),
        "scikit-learn P^T g": lambda: peer.components_ @ g.numpy().T,
        "scikit-learn transform": lambda: peer.transform(g.numpy()),
    }
    least = race(rivals)
    LINES.append(
        f"sparse, D = {D}, d = {d}, {members} at once: "
        + ", ".join(f"{k} {v:.2f} ms" for k, v in least.items())
    )
    benchmark(rivals["ours P t"])
    forwards = least["ours P t"] / least["scikit-learn P t"]
    back = least["ours P^T g"] / least["scikit-learn transform"]
    LINES.append(f"    ours / scikit-learn: {forwards:.2f} (P t), {back:.2f} (P^T g, transform)")
    assert forwards < 1.2
    assert back < 1.5


def curve(kind, sizes):
    """Least milliseconds of P t for each (D, d), all sizes in turns."""
    maps = {size: idm.make_projection(kind, *size, 0) for size in sizes}
    inputs = {size: torch.randn(size[1]) for size in sizes}
    least = race({s: lambda s=s: maps[s](inputs[s]) for s in sizes})
    LINES.append(f"{kind}: " + ", ".join(f"D, d = {s}: {v:.2f} ms" for s, v in least.items()))
    return list(least.values())


def test_fastfood_does_not_grow_with_d(benchmark):
    few, many = curve("fastfood", [(10**5, 100), (10**5, 50_000)])
    benchmark(idm.FastfoodProjection(10**5, 100), torch.randn(100))
    assert many < 1.5 * few


def test_fastfood_grows_hardly_faster_than_D(benchmark):
    """16 times as many parameters: 16 times, and 20 / 16 for the logarithm (and the caches)."""
    small, large = curve("fastfood", [(2**16, 100), (2**20, 100)])
    benchmark(idm.FastfoodProjection(2**16, 100), torch.randn(100))
    assert large < 60 * small


def test_dense_grows_with_d_and_sparse_with_its_entries(benchmark):
    """Both dense matrices (80 and 320 MB) exceed the caches: only then is growth linear."""
    dense = curve("dense", [(10**5, 200), (10**5, 800)])
    sparse = curve("sparse", [(10**5, 200), (10**5, 2000)])
    benchmark(idm.SparseProjection(10**5, 200), torch.randn(200))
    exponents = [np.log(dense[1] / dense[0]) / np.log(4), np.log10(sparse[1] / sparse[0])]
    LINES.append("    exponents of d: dense {:.2f}, sparse {:.2f}".format(*exponents))
    assert 0.7 < exponents[0] < 1.5
    assert exponents[1] < 1.5


def test_at_equal_size_the_order_is_sparse_fastfood_dense(benchmark):
    """What the projections are for: the larger d, the more a structured one saves."""
    D, d = 10**5, 1000
    maps = {kind: idm.make_projection(kind, D, d, 0) for kind in ("dense", "sparse", "fastfood")}
    t = torch.randn(d)
    least = race({kind: lambda P=P: P(t) for kind, P in maps.items()}, turns=8)
    LINES.append(f"D = {D}, d = {d}: " + ", ".join(f"{k} {v:.2f} ms" for k, v in least.items()))
    benchmark(maps["fastfood"], t)
    assert least["sparse"] < least["dense"]
    assert least["fastfood"] < least["dense"]
