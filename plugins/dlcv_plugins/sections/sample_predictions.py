"""Some predictions, chosen at random."""

from typing import ClassVar

from dlcv.interfaces import option, plugin
from dlcv_plugins.kinds.drawing import Picture, Pictures
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Paragraph, Section, SectionContent
from dlcv_plugins.wording import percent

SEED = 42
"""Of the choice."""


@plugin
class SamplePredictions(Section):
    """Shows held-out images, chosen at random, with their true and their predicted class."""

    order: ClassVar[int] = 300

    count: int = option(9, help="how many images are shown at most", ge=1)

    def render(self, run: FinishedRun) -> SectionContent:
        """Images with the predicted class, its probability, and the true class."""
        import numpy as np

        predictions = run.predictions
        names, probabilities = predictions.label_names, predictions.combined
        images = len(predictions.labels)
        rng = np.random.default_rng(SEED)
        pictures = []
        for index in rng.choice(images, min(self.count, images), replace=False):
            row = probabilities[index]
            true, predicted = int(predictions.labels[index]), int(row.argmax())
            pictures.append(
                Picture(
                    predictions.sample_ids[index],
                    names[predicted],
                    percent(float(row[predicted])),
                    (f"true: {names[true]}",),
                    "good" if true == predicted else "error",
                )
            )
        where = f" in {run.folder}" if run.folder else ""
        chosen = Paragraph(f"Chosen at random among the held-out images{where}.", tone="faint")
        return SectionContent("Sample predictions", (chosen, Pictures(tuple(pictures))))
