"""A random forest."""

from typing import TYPE_CHECKING

from dlcv.interfaces import option, plugin
from dlcv_plugins.kinds.classifier import Classifier

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin


@plugin
class RandomForest(Classifier):
    """Decision trees on random samples and features, whose probabilities are averaged.

    Breiman (2001). It needs no scaling and no search, and is larger than a linear classifier.
    """

    trees: int = option(300, help="how many trees; more never hurt but take longer", ge=1)
    max_depth: int | None = option(None, help="decisions after one another at most", ge=1)
    min_leaf: int = option(1, help="samples that must come to each end of a tree", ge=1)
    seed: int = option(42, help="seed of the random choices", ge=0, lt=2**32)

    def estimator(self) -> "ClassifierMixin":
        """Scikit-learn's."""
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(
            self.trees,
            max_depth=self.max_depth,
            min_samples_leaf=self.min_leaf,
            random_state=self.seed,
        )
