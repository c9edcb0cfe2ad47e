"""Sections: parts of a run's report, from a finished run to what the page shows."""

from abc import ABC, abstractmethod
from typing import ClassVar, TypeAlias

import attrs

from dlcv.interfaces import Curves, Matrix, Plugin, Table, plugin
from dlcv_plugins.kinds.drawing import Bars, Comparisons, PicturedMatrix, Pictures, Tone
from dlcv_plugins.kinds.finished_run import FinishedRun


@attrs.frozen
class Paragraph:
    """A paragraph of text.

    Attributes:
        text: The text.
        strong: Words in front of it, in bold.
        tone: How it is colored.
    """

    text: str
    strong: str = ""
    tone: Tone = "plain"


@attrs.frozen
class Highlight:
    """A figure in large type.

    Attributes:
        value: The figure: `98.33 %`.
        label: What it is.
        note: More about it; may be empty.
        share: The figure as a share from 0 to 1, drawn as a bar; None for no bar.
        between: The interval of that share, drawn on the bar.
        mark: What the share is to be compared with, a line across the bar.
    """

    value: str
    label: str
    note: str = ""
    share: float | None = None
    between: tuple[float, float] | None = None
    mark: float | None = None


@attrs.frozen
class Highlights:
    """Figures beside each other."""

    figures: tuple[Highlight, ...]


@attrs.frozen
class Notice:
    """A finding in a frame.

    Attributes:
        title: The finding.
        text: The figures that show it.
        label: What it is about, in small capitals.
        action: What to do; may be empty.
        source: Who advises it; may be empty.
        tone: How the frame is colored.
    """

    title: str
    text: str = ""
    label: str = ""
    action: str = ""
    source: str = ""
    tone: Tone = "note"


@attrs.frozen
class Pairs:
    """Names with their values, a line each."""

    pairs: tuple[tuple[str, str], ...]


@attrs.frozen
class Preformatted:
    """A text whose line breaks and spaces are kept, such as a file's."""

    text: str


@attrs.frozen
class Links:
    """Links to files beside the report.

    Attributes:
        links: A text and a path, relative to the run's directory, each.
    """

    links: tuple[tuple[str, str], ...]


@attrs.frozen
class Details:
    """Parts that are shown on request.

    Attributes:
        title: What is clicked on.
        parts: What is shown then.
        is_printed: Whether it is on paper, too.
    """

    title: str
    parts: "tuple[Part, ...]"
    is_printed: bool = False


Finding: TypeAlias = Table | Curves | Matrix
"""What evaluators find."""
Part: TypeAlias = (
    Paragraph
    | Highlights
    | Notice
    | Pictures
    | Comparisons
    | Bars
    | PicturedMatrix
    | Pairs
    | Preformatted
    | Links
    | Details
    | Finding
)
"""What a section may show. A table with `sample_ids` is shown as a grid of images."""


@attrs.frozen
class SectionContent:
    """What a section shows.

    Attributes:
        title: Its heading; empty for none.
        parts: What is below it, in this order. Texts are plain: the page escapes them, lays them
            out, draws curves, bars and matrices, and finds images.
        is_narrow: Whether it may stand beside another narrow one where the screen is wide.
    """

    title: str
    parts: tuple[Part, ...]
    is_narrow: bool = False


@plugin
class Section(Plugin, ABC):
    """A part of a run's report.

    Attributes:
        order: Where it stands, unless the configuration names sections; small comes first. Those
            that ship with dlcv go from 10 (the accuracy) to 900 (versions).
    """

    kind: ClassVar[str] = "section"
    order: ClassVar[int] = 500

    @abstractmethod
    def render(self, run: FinishedRun) -> SectionContent | None:
        """Returns what to show about a run; None where there is nothing.

        A pure function: what it is given stays as it is, and the same run gives the same content.

        Args:
            run: A finished run: a network, a fitted classifier, or several members.

        Raises:
            DlcvError: it can't be shown. The page then has a line with the reason instead.
        """
