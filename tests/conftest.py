"""Check array shapes and types of the whole package while the tests run."""

import hypothesis
import jaxtyping
import pytest

# Must run before the first import of a checked module.
jaxtyping.install_import_hook(["mixbook"], "shape_checker.check")


@pytest.fixture(autouse=True)
def _own_errors_for_bad_input(request):
    """Tests named ``test_bad...`` try bad input: there the package's own errors must come,
    as they come to a user, not those of the shape checker."""
    bad = request.node.name.startswith("test_bad")
    jaxtyping.config.update("jaxtyping_disable", bad)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


# Machines differ, and the shape checker costs time: no example fails for being slow.
hypothesis.settings.register_profile("mixbook", deadline=None)
hypothesis.settings.load_profile("mixbook")
