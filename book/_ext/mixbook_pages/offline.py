"""Nothing on a page may come from another site."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def is_thebe(script: Any) -> bool:
    """Whether a script belongs to thebe, which would load live code cells from elsewhere."""
    body = getattr(script, "attributes", {}).get("body") or ""
    return "thebe" in f"{getattr(script, 'filename', script)}{body}".lower()


def drop_thebe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Leave thebe out: Jupyter Book adds it to every page, also where it is switched off."""
    context["script_files"] = [s for s in context["script_files"] if not is_thebe(s)]
