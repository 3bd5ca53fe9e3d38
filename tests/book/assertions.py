"""Finds tests that cannot fail because nothing in them asserts."""

import ast
from pathlib import Path

__all__ = ["assert_free", "modules_with_tests"]

CONTEXTS = ("raises", "warns", "deprecated_call")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules_with_tests(root: Path) -> list[Path]:
    """All test modules of a checkout, benchmarks included."""
    return [
        path
        for folder in ("tests", "benchmarks")
        for path in sorted((root / folder).rglob("test_*.py"))
    ]


def assert_free(path: Path) -> list[str]:
    """Names of the test functions in a file that contain no assertion.

    What counts: an ``assert`` whose condition is not a constant, ``pytest.raises`` and its kin, a
    call of something named ``assert_*``, and a call of a function of the same file that asserts.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = {n.name: n for n in ast.walk(tree) if isinstance(n, Function)}
    asserting = {name for name, node in functions.items() if _asserts(node)}
    while True:
        more = {n for n, f in functions.items() if n not in asserting and _calls(f) & asserting}
        if not more:
            break
        asserting |= more
    return [name for name in functions if name.startswith("test") and name not in asserting]


def _asserts(function: Function) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant):
            return True
        if isinstance(node, ast.Call) and (
            _name(node).startswith("assert_") or _name(node) in CONTEXTS
        ):
            return True
    return False


def _calls(function: Function) -> set[str]:
    return {_name(node) for node in ast.walk(function) if isinstance(node, ast.Call)}


def _name(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""
