"""Classes of any type as the texts that a bundle tells them by."""

from __future__ import annotations

import numpy as np


def texts_of(classes: np.ndarray) -> list[str]:
    """A text for each class, all different: what it reads as, or, where that won't do, its number.

    Shape: as many as there are classes. What won't do is an empty text, or two classes that read alike.
    """
    texts = [_text(of) for of in classes.tolist()]
    if len(set(texts)) == len(texts) and all(text.strip() == text and text for text in texts):
        return texts
    return [f"class {at}" for at in range(len(texts))]


def _text(of: object) -> str:
    if isinstance(of, float) and of.is_integer():
        return str(int(of))
    return str(of).lower() if isinstance(of, bool) else str(of)
