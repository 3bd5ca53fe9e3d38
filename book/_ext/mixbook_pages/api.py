"""The API pages: which modules they describe, and how autodoc's output is made to fit."""

import importlib.util
import pkgutil
import re
from functools import reduce
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from mixbook import catalog


def public_modules(package: str) -> list[str]:
    """The package itself if it names its public objects, else its public modules."""
    module = importlib.import_module(package)
    if getattr(module, "__all__", None) or not hasattr(module, "__path__"):
        return [package]
    inside = pkgutil.iter_modules(module.__path__)
    return [f"{package}.{m.name}" for m in inside if not m.name.startswith("_")]


def api_sections(names: list[str]) -> list[tuple[str, str]]:
    """(heading, module) for a family slug or for modules given by their dotted names."""
    if names[0] not in {family.slug for family in catalog.families()}:
        return [(f"`{m}`", m) for name in names for m in public_modules(name)]
    papers = [p for p in catalog.papers() if p.family == names[0] and p.done]
    arena = f"mixbook.{names[0]}.arena"
    found = [("The arena", arena)] if importlib.util.find_spec(arena) else []
    return [(p.name, p.module) for p in papers] + found


class Api(SphinxDirective):
    """Reference of the finished modules of a family, or of the modules named."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        lines: list[str] = []
        for heading, module in api_sections(self.arguments[0].split()):
            lines += [f"## {heading}", "", "```{eval-rst}", f".. automodule:: {module}"]
            lines += ["   :members:", "   :show-inheritance:", "```", ""]
        lines = lines or [
            "No chapter of this part is finished yet, so there is no code to describe."
        ]
        container = nodes.section()
        self.state.nested_parse(
            StringList(lines, self.env.docname), 0, container, match_titles=True
        )
        return container.children


# ---- hooks into autodoc ----


def shorten_types(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str, returns: str
) -> tuple[str, str]:
    """Foreign types by their last name: ``~torch.Tensor`` could be no link anyway."""

    def short(text: str | None) -> str:
        return re.sub(r"~(?!mixbook\.)(?:\w+\.)+(\w+)", r"\1", text or "")

    return short(signature), short(returns)


def skip_foreign_members(
    app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out what scikit-learn adds to every estimator for its metadata routing."""
    return True if re.fullmatch(r"set_\w+_request", name) else None


def home_name(signature: addnodes.desc_signature) -> str | None:
    """Where the described object is defined, as in ``mixbook.data.registry.fetch``."""
    if not signature.get("fullname"):
        return None
    try:
        module = importlib.import_module(signature["module"])
        found = reduce(getattr, signature["fullname"].split("."), module)
        return f"{found.__module__}.{found.__qualname__}"
    except (ImportError, AttributeError):
        return None  # attributes and properties have no name of their own


def add_home_anchors(app: Sphinx, doctree: nodes.document) -> None:
    """Let an object be linked under the name of the module that defines it as well."""
    for signature in doctree.findall(addnodes.desc_signature):
        home = home_name(signature)
        if home and home not in signature["ids"]:
            signature["ids"].append(home)
