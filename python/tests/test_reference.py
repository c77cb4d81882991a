"""The reference of the Python package is written from its docstrings: `UPDATE_DOCS=1` writes it anew."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterator

from conftest import ROOT

import evenstep as es

PAGE = ROOT / "docs/src/reference/python.md"
HEAD = """\
# Python

Written from the docstrings of the package `evenstep`. [The same in Python](../tutorial/python.md) shows it at work. Whatever is not on this page may
change at any time.
"""


def members(one: type) -> Iterator[tuple[str, object]]:
    """What people call, in the order in which it is written."""
    for name, member in vars(one).items():
        if not name.startswith("_"):
            yield name, member


def told(name: str, one: object, level: str) -> Iterator[str]:
    """A heading, the call if it is one, and what is said of it."""
    text = inspect.getdoc(one)
    assert text, f"`{name}` has no docstring"
    yield f"\n{level} `{name}`\n\n"
    function = one.__func__ if isinstance(one, (classmethod, staticmethod)) else one
    call = one.__init__ if inspect.isclass(one) and "__init__" in vars(one) else function  # type: ignore[misc]
    is_exception = inspect.isclass(one) and issubclass(one, BaseException)
    if inspect.isfunction(call) and not is_exception:
        signature = str(inspect.signature(call)).replace("(self, ", "(").replace("(self)", "()").replace("(cls, ", "(")
        signature = re.sub(r"(: |-> )'([^']*)'", r"\1\2", signature)
        yield f"```python\n{name}{signature.removesuffix(' -> None')}\n```\n\n"
        if inspect.isclass(one) and (more := inspect.getdoc(call)):
            text += f"\n\n{more}"
    yield text + "\n"


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    names = [name for name in es.__all__ if name not in {"ArrowStream", "Data"}]
    for name in sorted(names, key=lambda name: (inspect.isclass(getattr(es, name)), name.lower())):
        one = getattr(es, name)
        parts.extend(told(f"evenstep.{name}", one, "##"))
        if inspect.isclass(one):
            for member, value in members(one):
                if callable(value) or isinstance(value, (property, classmethod, staticmethod)):
                    parts.extend(told(f"{name}.{member}", value, "###"))
    return "\n".join("".join(parts).replace("\n\n\n", "\n\n").rstrip().splitlines()) + "\n"


def test_the_reference_says_what_the_docstrings_say() -> None:
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "`UPDATE_DOCS=1 just python-test` writes it"
