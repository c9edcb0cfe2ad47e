"""Loading a run of one network, for what can't use several."""

import os

from dlcv.api import Run, load_trained
from dlcv.errors import DlcvError


def load_run(path: str | os.PathLike[str], *, checkpoint: str | int = "last") -> Run:
    """Loads a single run from its directory.

    Args:
        path: The directory.
        checkpoint: Whose weights are used: `last`, `best` for the lowest validation loss, or the
            number of an epoch. Whether there is such a checkpoint shows when the network is used.

    Raises:
        DlcvError: there is no run, or it has several members.
    """
    loaded = load_trained(path, checkpoint)
    if isinstance(loaded, Run):
        return loaded
    raise DlcvError(
        f"{path} has {len(loaded.members)} members; name one of them: {loaded.members[0].path}"
    )
