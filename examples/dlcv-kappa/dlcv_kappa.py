"""Cohen's kappa: agreement beyond what chance gives."""

from typing import TYPE_CHECKING, Literal

from dlcv.errors import DlcvError
from dlcv.interfaces import Evaluation, Evaluator, Matrix, Predictions, option, plugin

if TYPE_CHECKING:
    import numpy as np


@plugin
class Kappa(Evaluator):
    """Measures agreement with the true classes beyond chance: 1 is perfect, 0 is chance.

    Cohen, "A Coefficient of Agreement for Nominal Scales", 1960; with weights, Cohen, "Weighted
    kappa: Nominal scale agreement with provision for scaled disagreement or partial credit", 1968.
    Unlike accuracy, it is 0 for a network that predicts the largest class for every image.
    """

    weights: Literal["none", "linear", "quadratic"] = option(
        "none", help="how a mistake counts that is several classes away, for classes in order"
    )

    def evaluate(self, predictions: Predictions) -> Evaluation:
        """Returns `kappa`, and a drawing of how many images each cell has more than by chance.

        Raises:
            DlcvError: all images are of one class, and predicted as that class.
        """
        import numpy as np

        names = predictions.label_names
        observed = np.zeros((len(names), len(names)))
        np.add.at(observed, (predictions.labels, predictions.combined.argmax(axis=1)), 1)
        by_chance = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / observed.sum()
        mistakes = self._mistakes(len(names))
        if not (mistakes * by_chance).any():
            raise DlcvError("kappa is not defined where there is one class only; leave kappa out")
        kappa = 1 - (mistakes * observed).sum() / (mistakes * by_chance).sum()
        drawing = Matrix(
            "Images beyond chance", "true", "predicted", names, (observed - by_chance).round(1)
        )
        return Evaluation({"kappa": float(kappa)}, drawings={"kappa": drawing})

    def _mistakes(self, classes: int) -> "np.ndarray":
        """Returns how much it counts to take one class for another, `(classes, classes)`."""
        import numpy as np

        distance = np.abs(np.subtract.outer(np.arange(classes), np.arange(classes)))
        if self.weights == "none":
            return (distance > 0).astype(float)
        return distance.astype(float) ** (2 if self.weights == "quadratic" else 1)
