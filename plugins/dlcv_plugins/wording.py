"""Figures and names in words."""

import re

RANK = re.compile(r"\brank(\d+)\b")
CAPITALS = re.compile(r"\b(f1|roc|auc)\b")


def percent(share: float) -> str:
    """Returns a share in words: `82.35 %`."""
    return f"{100 * share:.2f} %"


def words(name: str) -> str:
    """Returns the name of a metric or a column in words.

    `val_loss` is `validation loss`, and `ensemble_rank1` is `ensemble rank-1`.
    """
    text = re.sub("^val_", "validation_", name).replace("_", " ")
    return CAPITALS.sub(lambda found: found[0].upper(), RANK.sub(r"rank-\1", text))


def duration(seconds: float) -> str:
    """Returns a time in words: `48 s`, `7.4 min`, `6.8 h`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
