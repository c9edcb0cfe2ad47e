"""Keras's loaders in a process of their own, so that Keras starts where a run wants it to.

Importing Keras starts its back end, whose threads and messages belong to the run: `load` asks a
process for the arrays, in which NumPy is the back end where Keras can use it.
"""

import importlib.util
import io
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, BinaryIO

from dlcv.errors import DlcvError

if TYPE_CHECKING:
    import numpy as np

TIMEOUT_SECONDS = 60
"""How long a download may stand still."""


def load(name: str, labels: str, row: int) -> "tuple[np.ndarray, np.ndarray]":
    """Returns the images and labels of a split of a data set, as Keras gives them.

    Args:
        name: The data set, as in `keras.datasets`.
        labels: `fine` or `coarse`.
        row: 0 for the training images, 1 for the test images.

    Raises:
        DlcvError: Keras can't load it, for the reason that the message gives.
    """
    import numpy as np

    environment = dict(os.environ)
    # Keras's NumPy back end takes some functions from JAX.
    if importlib.util.find_spec("jax"):
        environment["KERAS_BACKEND"] = "numpy"
    done = subprocess.run(
        [sys.executable, "-P", "-m", __name__, name, labels, str(row)],
        stdout=subprocess.PIPE,
        env=environment,
        check=False,
    )
    if done.returncode:
        reason = " ".join(done.stdout.decode(errors="replace").split())
        raise DlcvError(reason or f"Keras ended with code {done.returncode}")
    answer = io.BytesIO(done.stdout)
    return np.load(answer, allow_pickle=False), np.load(answer, allow_pickle=False)


def main(name: str, labels: str, row: int) -> None:
    """Writes both arrays to the standard output, or the reason why not and exits with 1."""
    answer = _keep_outputs()
    socket.setdefaulttimeout(TIMEOUT_SECONDS)
    try:
        import keras
        import numpy as np

        options = [labels] if name == "cifar100" else []
        pixels, targets = getattr(keras.datasets, name).load_data(*options)[row]
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        # No network, a full disk, a checksum, a damaged archive: of each, Keras raises its own.
        answer.write((str(error) or type(error).__name__).encode())
        answer.flush()
        sys.exit(1)
    # NumPy writes into files that it can ask for their position, which a pipe does not tell.
    content = io.BytesIO()
    np.save(content, pixels, allow_pickle=False)
    np.save(content, targets, allow_pickle=False)
    answer.write(content.getbuffer())
    answer.flush()


def _keep_outputs() -> BinaryIO:
    """Returns the standard output; what Keras prints goes to the standard error stream instead.

    What libraries in C++ say while they start goes nowhere.
    """
    answer = os.fdopen(os.dup(1), "wb")
    sys.stdout = os.fdopen(os.dup(2), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return answer


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
