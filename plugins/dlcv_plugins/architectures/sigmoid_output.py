"""One sigmoid unit for two classes."""

from typing import TYPE_CHECKING

from dlcv.errors import DlcvError
from dlcv.interfaces import plugin
from dlcv_plugins.architectures.heads import Head

if TYPE_CHECKING:
    import keras

CLASSES = 2


@plugin
class SigmoidOutput(Head):
    """One sigmoid unit in the place of another network's softmax, for two classes.

    The unit gives the probability p of the second class, and the network's output is (1 - p, p), as
    that of every network. So the losses are those of a single unit: `binary_crossentropy` of the
    two columns is that of p alone, and `mean_squared_error` the squared error of p. A comparison on
    cats and dogs trains one output.
    """

    def __attrs_post_init__(self) -> None:
        """Takes any base: a head may end with one unit, too."""

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """The base's classifier up to its last layer, one sigmoid unit, and both probabilities.

        Raises:
            DlcvError: there are more than two classes, or the base does not end with a dense layer.
        """
        from keras import layers

        if classes != CLASSES:
            raise DlcvError(
                f"sigmoid_output is for two classes, and there are {classes}; name its base alone"
            )
        last = self.base.classify(x, classes)._keras_history.operation
        if not isinstance(last, layers.Dense):
            raise DlcvError(
                f"sigmoid_output takes the place of a last dense layer, and {self.base} ends with "
                f"{last.name} ({type(last).__name__})"
            )
        unit = layers.Dense(
            1,
            activation="sigmoid",
            kernel_regularizer=last.kernel_regularizer,
            dtype="float32",
            name="predictions",
        )
        second = unit(last.input)
        first = layers.Rescaling(-1.0, offset=1.0, dtype="float32", name="first_class")(second)
        return layers.Concatenate(dtype="float32", name="both_classes")([first, second])
