"""Schedules that fall by a factor with each epoch, from a table."""

from dlcv import hook

PACKAGE = __package__ or __name__
NAME = PACKAGE.removeprefix("dlcv_")


@hook
def dlcv_plugins() -> list[tuple[str, str, str, str]]:
    """Returns a row for each plugin: its kind, its name, where it is, and what it does.

    Each listing calls this, so nothing is imported here: what a row names is, when it is used.
    """
    return [
        ("schedule", f"{NAME}_half", f"{PACKAGE}.factors:Half", "Halves the learning rate."),
        ("schedule", f"{NAME}_tenth", f"{PACKAGE}.factors:Tenth", "Leaves a tenth of it."),
    ]
