"""What comes into an image where nothing of it is left: one color, the training mean by default."""

from typing import TYPE_CHECKING, TypeAlias

from dlcv.errors import DlcvError

if TYPE_CHECKING:
    import numpy as np

    from dlcv.interfaces import PreparationContext

FillValue: TypeAlias = int | tuple[int, ...]
"""A grey level from 0 to 255, or one for each channel."""


def training_mean(context: "PreparationContext") -> "np.ndarray":
    """Returns the mean of the training images' means, rounded to a grey level; `(C,)` uint8."""
    import numpy as np

    total, count = 0, 0
    for batch in context.training_batches():
        total += batch.mean(axis=(1, 2), dtype=np.float64).sum(axis=0)
        count += len(batch)
    return np.rint(np.asarray(total) / count).astype(np.uint8)


def fill_or_mean(name: str, value: FillValue | None, mean: "np.ndarray | None") -> FillValue:
    """Returns the value that was given, else the mean that was learned.

    Raises:
        DlcvError: there is neither; `name` is the step's.
    """
    if value is not None:
        return value
    if mean is None:
        raise DlcvError(
            f"{name}: the mean to fill with is not known yet; give fill_value, "
            "or call prepare with training images"
        )
    return tuple(mean.tolist())


def by_channel(value: FillValue, channels: int) -> tuple[int, ...]:
    """Returns a grey level for each channel; a single number is meant for all.

    Raises:
        DlcvError: the value has another number of channels.
    """
    values = (value,) * channels if isinstance(value, int) else value
    if len(values) != channels:
        raise DlcvError(
            f"a fill_value of {len(values)} channels does not fit images of {channels}; "
            "give one number, or one for each channel"
        )
    return values
