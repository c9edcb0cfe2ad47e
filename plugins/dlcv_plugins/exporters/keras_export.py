"""What the exporters that Keras writes have in common."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def export(network: "keras.Model", path: Path, format: str, **options: Any) -> None:
    """Writes a network by `keras.Model.export`, with an input named `pixels`.

    Args:
        network: The network.
        path: The file or folder.
        format: Keras's name of the format.
        options: Further options of the format.
    """
    import keras

    pixels = keras.InputSpec(shape=network.input_shape, dtype="uint8", name="pixels")
    network.export(str(path), format=format, verbose=False, input_signature=[pixels], **options)
