"""Whether probabilities can be trusted."""

from typing import ClassVar, TypeAlias, cast

from dlcv.interfaces import Table, plugin
from dlcv_plugins.kinds.drawing import Bar, Bars
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Paragraph, Section, SectionContent
from dlcv_plugins.wording import percent

Bin: TypeAlias = tuple[float, float, int, float, float]
"""A row of the evaluator's table: from, to, samples, mean confidence, accuracy."""


@plugin
class Reliability(Section):
    """Shows whether a probability of 80 % is right in 80 % of the cases."""

    order: ClassVar[int] = 90

    def render(self, run: FinishedRun) -> SectionContent | None:
        """What the evaluator `calibration` found, as bars with counts, and its table."""
        found = run.evaluation("calibration")
        if found is None:
            return None
        table = found.tables["calibration"]
        explanation = Paragraph(
            "Each bar is the accuracy of the images that are predicted with such a probability; "
            "the number above it is how many they are. A bar below its line means that the network "
            "is surer than it should be.",
            tone="faint",
        )
        return SectionContent("Calibration", (explanation, _bars(table), _in_words(table)))


def _in_words(table: Table) -> Table:
    """Returns the table with percentages, and with one column for a bin."""
    columns = ("probability, %", "images", "mean probability", "accuracy")
    rows = (
        (_bin(low, high), samples, percent(confidence), percent(accuracy))
        for low, high, samples, confidence, accuracy in _bins(table)
    )
    return Table("", columns, tuple(rows))


def _bins(table: Table) -> list[Bin]:
    return [cast("Bin", row) for row in table.rows]


def _bars(table: Table) -> Bars:
    """Returns a bar for each bin, those without images, too, from those that have some."""
    bins = _bins(table)
    width = bins[0][1] - bins[0][0]
    count = round(1 / width)
    bars = [_bar(number / count, (number + 1) / count) for number in range(count)]
    for low, high, samples, confidence, accuracy in bins:
        bars[round(low / width)] = _bar(low, high, samples, confidence, accuracy)
    return Bars(
        "Accuracy by probability",
        "probability of the predicted class, %",
        "accuracy, %",
        tuple(bars),
        highest=108.0,
        reference_label="mean probability: as high as the accuracy should be",
    )


def _bar(
    low: float, high: float, samples: int = 0, confidence: float = 0.0, accuracy: float = 0.0
) -> Bar:
    label = _bin(low, high)
    if not samples:
        return Bar(label, 0.0, details=("no images",))
    details = (
        f"{samples:,} {'image' if samples == 1 else 'images'}",
        f"accuracy {percent(accuracy)}",
        f"mean probability {percent(confidence)}",
    )
    return Bar(label, 100 * accuracy, f"{samples:,}", 100 * confidence, details)


def _bin(low: float, high: float) -> str:
    return f"{100 * low:.0f}-{100 * high:.0f}"
