"""Classes of any type as the texts that a bundle tells them by."""

from __future__ import annotations

from collections.abc import Iterable


def texts_of(classes: Iterable[object]) -> list[str]:
    """A text for each class, all different: what it reads as, or, where that won't do, its number.

    Shape: as many as there are classes. What won't do is an empty text, or two classes that read alike.
    """
    texts = [text_of(of) for of in classes]
    if len(set(texts)) == len(texts) and all(text and text.strip() == text for text in texts):
        return texts
    return [f"class {at}" for at in range(len(texts))]


def text_of(of: object) -> str:
    """What a class reads as: whole numbers without a fraction, truth in small letters."""
    of = of.item() if hasattr(of, "item") else of
    if isinstance(of, float) and of.is_integer():
        return str(int(of))
    return str(of).lower() if isinstance(of, bool) else str(of)


def reads_otherwise(text: str) -> bool:
    """Whether a text could be taken for a number, a date, or true and false, were nobody to say that it is none."""
    return text[:1] in tuple("0123456789+-.") or text.lower() in ("true", "false", "inf", "infinity", "nan")
