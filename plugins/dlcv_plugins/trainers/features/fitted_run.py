"""Runs whose classifier was fitted: as the network's last layer, or beside the network."""

import functools
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from dlcv.api import Run, RunDirectory, restored_network
from dlcv.errors import DlcvError
from dlcv_plugins.trainers.features import estimators
from dlcv_plugins.trainers.features.trainer import ESTIMATOR

if TYPE_CHECKING:
    import keras

    from dlcv_plugins.trainers.features.features import SplitFeatures

logger = logging.getLogger(__name__)


def open_fitted(path: Path, checkpoint: str | int = "last") -> "FittedRun":
    """Returns the run in a directory, of the class that fits its files.

    Args:
        path: The run's directory.
        checkpoint: What `dlcv.load` takes.
    """
    cls = EstimatorRun if (path / ESTIMATOR).is_file() else FittedRun
    return cls(RunDirectory(path), checkpoint=checkpoint)


class FittedRun(Run):
    """A run whose classifier was fitted to features, and no epochs trained.

    Attributes:
        features: What it was fitted to, by split, for hooks at its end; None afterwards.
    """

    features: "dict[str, SplitFeatures] | None" = None

    @property
    def validation_accuracy(self) -> float | None:
        """The accuracy on the validation images, from 0 to 1; None where there are none."""
        found = self.directory.read_json("metrics").get("validation_accuracy")
        return None if found is None else float(found)

    def build(self, precision: str) -> "keras.Model":
        """Builds the network, whose last layer is the classifier.

        Raises:
            DlcvError: the classifier is no layer, and its file is missing.
        """
        network = super().build(precision)
        # The last layer of a network whose classifier is elsewhere has no weights but zeros.
        if not any(w.any() for w in network.layers[-1].get_weights()):
            raise DlcvError(
                f"{self.path / ESTIMATOR} is missing, by which this run predicts; copy the run "
                "again with all its files, or fit it again"
            )
        return network


@attrs.frozen(eq=False)
class BodyAndEstimator:
    """What predicts as a network does: a body, and an estimator on its features.

    Attributes:
        body: From raw pixels to features.
        estimator: A fitted estimator of scikit-learn.
    """

    body: "keras.Model"
    estimator: Any

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """`(None, H, W, C)`."""
        return tuple(self.body.input_shape)

    def predict_on_batch(self, pixels: np.ndarray) -> np.ndarray:
        """Returns the probabilities of every class, `(N, classes)`."""
        features = np.asarray(self.body.predict_on_batch(pixels), np.float32)
        return np.asarray(self.estimator.predict_proba(features))


class EstimatorRun(FittedRun):
    """A run that predicts through a network's body and an estimator of scikit-learn."""

    def build(self, precision: str) -> "keras.Model":
        """There is no network that gives probabilities; raises `DlcvError`."""
        assert self.config.classifier is not None
        raise DlcvError(
            f"{self.path} predicts by {self.config.classifier.name}, which is no layer of a "
            "network; for what needs one, fit logistic_regression"
        )

    @functools.cached_property
    def network(self) -> BodyAndEstimator:
        """The body with the estimator; raises `DlcvError` if either can't be read."""
        network = restored_network(self, self.config.precision)
        import keras

        body = keras.Model(network.inputs, network.layers[-1].input, name="features")
        self._warn_of_version()
        count = int(body.output_shape[-1])
        estimator = estimators.load(self.path / ESTIMATOR, count, len(self.label_names))
        return BodyAndEstimator(body, estimator)

    def _warn_of_version(self) -> None:
        """Scikit-learn promises nothing for estimators of other versions."""
        import sklearn

        made = self.directory.read_json("environment")["libraries"].get("scikit-learn")
        if made != sklearn.__version__:
            logger.warning(
                "%s was made with scikit-learn %s, and here is %s: it may predict differently",
                self.path / ESTIMATOR,
                made,
                sklearn.__version__,
            )
