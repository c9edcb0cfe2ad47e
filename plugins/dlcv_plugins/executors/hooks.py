"""Has the predictions of runs computed where `--on` says."""

from typing import TYPE_CHECKING, Any

from dlcv import hook
from dlcv_plugins.executors.current import executor

if TYPE_CHECKING:
    import numpy as np

    from dlcv.interfaces import LabelledImages


@hook
def dlcv_probabilities(
    run: Any, images: "LabelledImages", preprocessors: Any
) -> "np.ndarray | None":
    """Returns what a run predicts where that is computed by other processes.

    The network of one that is not finished may be in this process alone.
    """
    if not executor().is_elsewhere or not run.finished or not len(images):
        return None
    from dlcv_plugins.executors.prediction import probabilities

    return probabilities(run, images, preprocessors)
