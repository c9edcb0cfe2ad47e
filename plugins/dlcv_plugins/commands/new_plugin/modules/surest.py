"""The images that the network is surest of."""

from typing import ClassVar

from dlcv.interfaces import (
    FinishedRun,
    Paragraph,
    Picture,
    Pictures,
    Section,
    SectionContent,
    option,
    plugin,
)


@plugin
class Surest(Section):
    """Shows the images with the highest probabilities."""

    order: ClassVar[int] = 310

    count: int = option(3, help="how many images are shown at most", ge=1)

    def render(self, run: FinishedRun) -> SectionContent | None:
        """Returns a paragraph and the pictures."""
        predictions = run.predictions
        certainty = predictions.combined.max(axis=1)
        surest = certainty.argsort()[::-1][: self.count]
        pictures = [
            Picture(
                predictions.sample_ids[index],
                title=predictions.label_names[predictions.combined[index].argmax()],
                value=f"{certainty[index]:.1%}",
            )
            for index in surest
        ]
        mean = Paragraph(f"Mean certainty: {certainty.mean():.1%}.", tone="faint")
        return SectionContent("Surest predictions", (mean, Pictures(tuple(pictures))))
