"""The reference of the Python package is written from its docstrings: `UPDATE_DOCS=1` writes it anew."""

from __future__ import annotations

import ast
import inspect
import itertools
import os
import re
from collections.abc import Iterator

from conftest import ROOT

import evenstep as es
from evenstep import _metrics, _serving

PAGE = ROOT / "docs/src/reference/python.md"
HEAD = """\
# Python

Written from the docstrings of the package `evenstep`. [The same in Python](../tutorial/python.md) shows it at work. Whatever is not on this page may
change at any time.
"""
# Classes that nobody makes, but is given, and so are in no module that people import.
GIVEN = [_metrics.Comparison, _serving.Server]
MODULES = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "python/evenstep").glob("*.py"))]


def declared(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """What a class or module only declares: its name, and the text beneath it."""
    for line, text in itertools.pairwise(body):
        match line, text:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(told))) if name[0] != "_":
                yield name, inspect.cleandoc(told)


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
    is_made = not inspect.isclass(one) or not (issubclass(one, BaseException) or one in [*GIVEN, es.ArrowStream])
    if inspect.isfunction(call) and is_made:
        signature = str(inspect.signature(call)).replace("(self, ", "(").replace("(self)", "()").replace("(cls, ", "(")
        signature = re.sub(r"(: |-> )'([^']*)'", r"\1\2", signature)
        yield f"```python\n{name}{signature.removesuffix(' -> None')}\n```\n\n"
        if inspect.isclass(one) and call.__doc__:
            text += f"\n\n{inspect.cleandoc(call.__doc__)}"
    yield text + "\n"


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    aliases = {name: text for module in MODULES for name, text in declared(module.body)}
    bodies = {one.name: one.body for module in MODULES for one in module.body if isinstance(one, ast.ClassDef)}
    named = {f"evenstep.{name}": getattr(es, name) for name in es.__all__ if name not in aliases}
    named |= {one.__name__: one for one in GIVEN}
    for name, one in sorted(named.items(), key=lambda it: (inspect.isclass(it[1]), it[1].__name__.lower())):
        parts.extend(told(name, one, "##"))
        if inspect.isclass(one):
            short = one.__name__
            parts.extend(f"\n### `{short}.{member}`\n\n{text}\n" for member, text in declared(bodies[short]))
            for member, value in members(one):
                if callable(value) or isinstance(value, (property, classmethod, staticmethod)):
                    parts.extend(told(f"{short}.{member}", value, "###"))
    taken = [name for name in aliases if f": {name}" in "".join(parts)]
    parts.append("\n## Types of arguments\n\n")
    parts.extend(f"- `{name}`: {aliases[name]}\n" for name in sorted(taken))
    return "\n".join("".join(parts).replace("\n\n\n", "\n\n").rstrip().splitlines()) + "\n"


def test_the_reference_says_what_the_docstrings_say() -> None:
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "`UPDATE_DOCS=1 just python-test` writes it"
