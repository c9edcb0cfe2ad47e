"""How sure a network is of itself."""

from dlcv.interfaces import Curves, Evaluation, Evaluator, Predictions, plugin


@plugin
class Certainty(Evaluator):
    """Tells how sure a network is, and of how many images."""

    def evaluate(self, predictions: Predictions) -> Evaluation:
        """Returns two metrics, and a curve to draw."""
        import numpy as np

        certainty = predictions.combined.max(axis=1)
        shares = np.linspace(0, 1, len(certainty))
        line = np.stack([shares, np.sort(certainty)[::-1]], axis=1)
        return Evaluation(
            {"certainty": float(certainty.mean()), "least_certain": float(certainty.min())},
            drawings={
                "certainty": Curves(
                    "Certainty", "share of the images", "at least this sure", {"network": line}
                )
            },
        )
