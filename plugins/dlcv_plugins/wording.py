"""Figures in words."""


def percent(share: float) -> str:
    """Returns a share in words: `82.35 %`."""
    return f"{100 * share:.2f} %"
