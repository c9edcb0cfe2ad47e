"""What a check of a data set says: findings, with the samples that they are about."""

from collections.abc import Iterable
from typing import Literal

import attrs

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""How bad a finding is: an error would spoil a training, a note is good to know."""


@attrs.frozen
class Sample:
    """An image, or another file, that a finding is about.

    Attributes:
        name: A path below the data set's folder, or a row.
        split: The split that it belongs to, if it is an image of the data set.
        label: Its class.
        index: Its position in the split; None for files that are no images of the data set.
        detail: What this finding says about this one.
    """

    name: str
    split: str = ""
    label: str = ""
    index: int | None = None
    detail: str = ""


@attrs.frozen
class Finding:
    """Something that a person should know about a data set.

    Attributes:
        id: Its name, the same for all data sets.
        severity: `error`, `warning` or `note`.
        sentence: What was found.
        cure: What to do about it.
        groups: The samples concerned; those that belong together, such as copies, in one group.
    """

    id: str
    severity: Severity
    sentence: str
    cure: str
    groups: tuple[tuple[Sample, ...], ...] = ()

    @property
    def samples(self) -> list[Sample]:
        """The samples of all groups."""
        return [sample for group in self.groups for sample in group]


def one_by_one(samples: Iterable[Sample]) -> tuple[tuple[Sample, ...], ...]:
    """Returns groups of one sample each."""
    return tuple((sample,) for sample in samples)


def count(number: int, singular: str, plural: str = "") -> str:
    """Returns a number with its noun: `1 image`, `2,000 images`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def some(names: Iterable[str]) -> str:
    """Returns names in a row, long lists cut."""
    listed = list(names)
    return ", ".join(listed[:5]) + (f", ... ({len(listed)} in all)" if len(listed) > 5 else "")
