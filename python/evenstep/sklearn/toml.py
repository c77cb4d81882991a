"""Writing the little TOML that a spec is made of."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .classes import text_of

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def plain(value: Any) -> Any:
    """Numbers and lists of numpy and pandas as Python's own, wherever they stand; anything else as it is."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return plain(value.tolist()) if hasattr(value, "tolist") else value


def key(name: object) -> str:
    """A key, in quotes where TOML wants them; of a class its text."""
    name = text_of(name)
    return name if _BARE.fullmatch(name) else text(name)


def text(value: str) -> str:
    """A basic string. JSON escapes what TOML does, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def value(of: object) -> str:
    """A value on one line.

    Raises `TypeError` for what TOML has no form for; `ValueError` for numbers that are not finite.
    """
    if isinstance(of, bool):
        return "true" if of else "false"
    if isinstance(of, int):
        return str(of)
    if isinstance(of, float):
        if not math.isfinite(of):
            raise ValueError(f"{of} can't stand in a spec")
        return repr(float(of))
    if isinstance(of, str):
        return text(of)
    if isinstance(of, Mapping):
        return "{ " + ", ".join(f"{key(name)} = {value(inner)}" for name, inner in of.items()) + " }"
    if isinstance(of, Sequence):
        return "[" + ", ".join(map(value, of)) + "]"
    raise TypeError(f"a {type(of).__name__} can't stand in a spec")


def comment(words: str) -> str:
    """Words as a comment may hold them: on one line, and nothing that only moves a cursor."""
    return "".join(letter if letter.isprintable() else " " for letter in words)


def table(header: str, entries: Mapping[str, object]) -> str:
    """A table with its header, a line an entry; entries that are None are left out."""
    lines = [f"{key(name)} = {value(of)}" for name, of in entries.items() if of is not None]
    return "\n".join([header, *lines]) + "\n"
