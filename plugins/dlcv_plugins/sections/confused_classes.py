"""Which classes are taken for which."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import ClassVar

from dlcv.interfaces import Matrix, option, plugin
from dlcv_plugins.evaluators.answers import NO_CLASS, predicted_classes
from dlcv_plugins.kinds.drawing import CellPictures, Picture, PicturedMatrix
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Part, Section, SectionContent
from dlcv_plugins.sections.found import in_percent
from dlcv_plugins.wording import percent

PAIRS, SHARE = "confused_pairs", "share of the true class"
RIGHT = 3
"""Images of a class that are shown at most where all is right."""


@plugin
class ConfusedClasses(Section):
    """Draws the confusion matrix, whose cells open their images, and lists confused classes."""

    order: ClassVar[int] = 80

    pictures: int = option(200, help="how many images the cells show at most, together", ge=0)
    a_cell: int = option(6, help="how many images a cell shows at most", ge=1)

    def render(self, run: FinishedRun) -> SectionContent | None:
        """What the evaluator `confusion` found, with the mistakes by class.

        Where it lists no pairs of classes, those of `classification_report` are listed.
        """
        found = run.evaluation("confusion")
        if found is None:
            return None
        cells = tuple(self._cells(run))
        parts: list[Part] = [
            PicturedMatrix(drawing, cells) if isinstance(drawing, Matrix) else drawing
            for drawing in found.drawings.values()
        ]
        report = run.evaluation("classification_report")
        if PAIRS not in found.tables and report and "most_confused" in report.tables:
            parts.append(report.tables["most_confused"])
        # The matrix as a table shows more only where something has no class.
        has_lost = any(table.columns[-1] == "none" for table in found.tables.values())
        tables = [
            in_percent(table, SHARE) if name == PAIRS else table
            for name, table in found.tables.items()
            if name == PAIRS or has_lost
        ]
        return SectionContent("Confusion", (*parts, *tables))

    def _cells(self, run: FinishedRun) -> Iterator[CellPictures]:
        """Yields cells with their images, those of the class with most mistakes first.

        Each cell gets one image before any gets a second, and mistakes come before what is right.
        """
        images = _by_cell(run)
        most = {
            cell: min(self.a_cell, RIGHT) if _is_right(cell) else self.a_cell for cell in images
        }
        turns = sorted(
            (_is_right(cell), turn, number)
            for number, (cell, found) in enumerate(images.items())
            for turn in range(min(len(found), most[cell]))
        )
        counts = Counter(number for _, _, number in turns[: self.pictures])
        for number, ((row, column), found) in enumerate(images.items()):
            if count := counts[number]:
                pictures = tuple(_picture(run, index, column) for index in found[:count])
                yield CellPictures(row, column, pictures, len(found) - count)


def _by_cell(run: FinishedRun) -> dict[tuple[int, int], list[int]]:
    """Returns the images of each true and predicted class, classes with most mistakes first.

    Of mistakes, those that the network is surest of are first; of right ones, the others.
    """
    import numpy as np

    predictions = run.predictions
    labels, probabilities = predictions.labels, predictions.combined
    predicted = predicted_classes(probabilities)
    sureness = np.where(predicted == labels, 1, -1) * probabilities.max(axis=1)
    images: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index in np.argsort(sureness, kind="stable").tolist():
        if predicted[index] != NO_CLASS:
            images[int(labels[index]), int(predicted[index])].append(index)
    wrong = Counter(labels[predicted != labels].tolist())
    order = sorted(images, key=lambda c: (-wrong[c[0]], c[0], _is_right(c), -len(images[c])))
    return {cell: images[cell] for cell in order}


def _is_right(cell: tuple[int, int]) -> bool:
    return cell[0] == cell[1]


def _picture(run: FinishedRun, index: int, predicted: int) -> Picture:
    predictions = run.predictions
    return Picture(
        predictions.sample_ids[index],
        predictions.label_names[predicted],
        percent(float(predictions.combined[index, predicted])),
        tone="good" if predicted == predictions.labels[index] else "error",
    )
