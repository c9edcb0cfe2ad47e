"""The mistakes that a network is most sure of."""

from dlcv.interfaces import Evaluation, Evaluator, Predictions, Table, option, plugin
from dlcv_plugins.evaluators.answers import NO_CLASS, predicted_classes


@plugin
class WorstMistakes(Evaluator):
    """Lists the mistakes that a network is most sure of: labels to doubt, images to look at."""

    count: int = option(9, help="how many mistakes are listed at most", ge=1)

    def evaluate(self, predictions: Predictions) -> Evaluation:
        """A table with the sample, its true and its predicted class, and the probability of that.

        The most probable come first. Probabilities that are not numbers predict nothing, and so
        are no mistakes one could look at.
        """
        import numpy as np

        probabilities = predictions.combined
        predicted = predicted_classes(probabilities)
        wrong = np.flatnonzero((predicted != predictions.labels) & (predicted != NO_CLASS))
        if not len(wrong):
            return Evaluation({})
        surest = probabilities[wrong, predicted[wrong]]
        worst = wrong[np.argsort(-surest, kind="stable")][: self.count]
        names = predictions.label_names
        ids = tuple(predictions.sample_ids[i] for i in worst)
        rows = tuple(
            (
                predictions.sample_ids[i],
                names[predictions.labels[i]],
                names[predicted[i]],
                float(probabilities[i, predicted[i]]),
            )
            for i in worst
        )
        title = f"Most confident mistakes ({len(worst)} of {len(wrong)})"
        table = Table(title, ("sample", "true", "predicted", "probability"), rows, ids)
        return Evaluation({}, {"worst_mistakes": table})
