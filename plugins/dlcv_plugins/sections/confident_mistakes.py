"""The mistakes that a network is most sure of."""

from collections.abc import Iterator
from typing import ClassVar

from dlcv.interfaces import Table, option, plugin
from dlcv_plugins.kinds.drawing import Comparison, Comparisons, Picture, Pictures
from dlcv_plugins.kinds.finished_run import FinishedRun, Neighbor, Neighbors
from dlcv_plugins.kinds.section import Paragraph, Section, SectionContent
from dlcv_plugins.wording import percent


@plugin
class ConfidentMistakes(Section):
    """Shows the images that are misclassified with the highest probability: check their labels."""

    order: ClassVar[int] = 400

    neighbors: int | None = option(
        None,
        help="training images beside each mistake, those most like it; a number loads the network "
        "for that, 0 is none, and by default there are 3 where the run was just trained",
        ge=0,
        le=6,
    )

    def render(self, run: FinishedRun) -> SectionContent | None:
        """What the evaluator `worst_mistakes` found, beside training images that are like it."""
        found = run.evaluation("worst_mistakes")
        if found is None or not found.tables:
            return None
        table = found.tables["worst_mistakes"]
        count = 3 if self.neighbors is None else self.neighbors
        asked = self.neighbors is not None
        near = run.neighbors(table.sample_ids, asked) if count else None
        if near is None:
            return SectionContent(
                "Worst mistakes", (Pictures(tuple(_mistakes(table)), table.title),)
            )
        comparisons = tuple(
            Comparison(mistake, tuple(map(_neighbor, near.of[sample][:count])))
            for mistake, sample in zip(_mistakes(table), table.sample_ids, strict=True)
        )
        return SectionContent(
            "Worst mistakes",
            (
                Paragraph(_explanation(near), tone="faint"),
                Comparisons(comparisons, table.title, "resembles in training"),
            ),
        )


def _mistakes(table: Table) -> Iterator[Picture]:
    for sample, (_, true, predicted, probability) in zip(table.sample_ids, table.rows, strict=True):
        yield Picture(
            sample, str(predicted), percent(float(probability)), (f"true: {true}",), "error"
        )


def _neighbor(neighbor: Neighbor) -> Picture:
    return Picture(neighbor.sample_id, neighbor.label, f"{neighbor.similarity:.2f}")


def _explanation(near: Neighbors) -> str:
    which = "all" if near.compared == near.candidates else f"{near.compared:,} of"
    return (
        "Beside each mistake are the training images whose features in the network are most like "
        f"its own, with the cosine of the angle between them, among {which} "
        f"{near.candidates:,} training images of the classes in question. Where they show another "
        "class than the mistake is labelled, look at its label and at theirs."
    )
