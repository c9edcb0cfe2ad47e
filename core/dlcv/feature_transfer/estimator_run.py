"""A run whose classifier is no layer of a network: features from the body, then an estimator."""

import functools
import logging
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from dlcv.errors import DlcvError
from dlcv.feature_transfer import estimators
from dlcv.runs.restoring import restored_network
from dlcv.runs.run import ESTIMATOR, Run

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)


@attrs.frozen(eq=False)
class BodyAndEstimator:
    """What answers as a network does: a body, and an estimator on its features.

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


class EstimatorRun(Run):
    """A run that predicts through a network's body and an estimator of scikit-learn."""

    def build(self, precision: str) -> "keras.Model":
        """There is no network that gives probabilities; raises `DlcvError`."""
        assert self.config.classifier is not None
        raise DlcvError(
            f"{self.path} predicts by {self.config.classifier.name}, which is no layer of a "
            "network; for what needs one, fit logistic_regression"
        )

    @functools.cached_property
    def answering(self) -> BodyAndEstimator:
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
                "%s was made with scikit-learn %s, and here is %s: it may predict otherwise",
                self.path / ESTIMATOR,
                made,
                sklearn.__version__,
            )
