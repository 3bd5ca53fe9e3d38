from mixbook.core import compiled


def test_kernels_work_without_a_cache_folder(monkeypatch):
    calls = []

    def njit(function=None, *, cache=False):
        calls.append(cache)
        if function is not None:
            return function
        raise RuntimeError("cannot cache function: no locator available for its file")

    def example(x):
        return x + 1

    monkeypatch.setattr(compiled, "njit", njit)
    assert compiled.kernel(example)(1) == 2
    assert calls == [True, False]
