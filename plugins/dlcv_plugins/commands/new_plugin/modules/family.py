"""Schedules that fall by a factor with each epoch, from a table."""

from dlcv import hook


@hook
def dlcv_plugins() -> list[tuple[str, str, str, str]]:
    """Returns a row for each plugin: its kind, its name, where it is, and what it does.

    Each listing calls this, so nothing is imported here: what a row names is, when it is used.
    """
    return [
        ("schedule", "to_a_half", f"{__package__}.factors:ToAHalf", "Halves the learning rate."),
        ("schedule", "to_a_tenth", f"{__package__}.factors:ToATenth", "Leaves a tenth of it."),
    ]
