"""What comes into an image where nothing of it is left: one color, the training mean by default."""

from typing import TYPE_CHECKING, TypeAlias

from dlcv.errors import DlcvError
from dlcv.interfaces import OptionError

if TYPE_CHECKING:
    import numpy as np

    from dlcv.interfaces import PreparationContext

FillValue: TypeAlias = int | tuple[int, ...]
"""A grey level from 0 to 255, or one for each channel."""


def check_fill(owner: str, mode: str, value: FillValue | None) -> None:
    """Refuses a fill value that would not be used.

    Raises:
        OptionError: a value is given, but the mode is not `constant`; `owner` is the step's class.
    """
    if value is not None and mode != "constant":
        raise OptionError(
            owner, "fill_value", f"is not used with fill_mode={mode}; add fill_mode=constant"
        )


def training_mean(context: "PreparationContext") -> "np.ndarray":
    """Returns the mean of the training images' means, rounded to a grey level; `(C,)` uint8."""
    import numpy as np

    total, count = 0, 0
    for batch in context.training_batches():
        total += batch.mean(axis=(1, 2), dtype=np.float64).sum(axis=0)
        count += len(batch)
    return np.rint(np.asarray(total) / count).astype(np.uint8)


def fill_or_mean(
    name: str, value: FillValue | None, mean: "np.ndarray | None", channels: int
) -> tuple[int, ...]:
    """Returns the value that was given, else the mean that was learned; one level a channel.

    Args:
        name: The step's name, for errors.
        value: What was given; a single number is meant for all channels.
        mean: `(C,)` uint8.
        channels: How many channels the images have.

    Raises:
        DlcvError: there is neither, or it has another number of channels.
    """
    import numpy as np

    if value is None and mean is None:
        raise DlcvError(
            f"{name}: the mean to fill with is not known yet; give fill_value, "
            "or call prepare with training images"
        )
    if isinstance(value, int):
        return (value,) * channels
    levels = tuple(np.asarray(mean).tolist()) if value is None else value
    if len(levels) != channels:
        raise DlcvError(
            f"{name}: a fill_value of {len(levels)} channels does not fit images of {channels}; "
            "give one number, or one for each channel"
        )
    return levels
