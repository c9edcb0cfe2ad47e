"""Advice for a data set: the facts that its rules ask about."""

from collections.abc import Mapping, Sequence

import attrs

from dlcv.api import SPLIT_DEFAULTS
from dlcv_plugins.advice.division import advised_shares
from dlcv_plugins.advice.engine import Advice, Rule
from dlcv_plugins.advice.engine import advise as apply


@attrs.frozen
class ImageCounts:
    """What the rules for data sets ask about.

    Attributes:
        classes: The number of images by class, of those that are trained on or will be divided.
        validation: The number of validation images by class that the data has; empty if none.
        has_test: Whether the data has a test part.
        similar: Whether the images are like those that pretrained networks saw, everyday things
            and animals; None if that is not known.
    """

    classes: Mapping[str, int]
    validation: Mapping[str, int] = attrs.field(factory=dict)
    has_test: bool = False
    similar: bool | None = None

    @property
    def images(self) -> int:
        """All images to train on."""
        return sum(self.classes.values())

    @property
    def typical(self) -> int:
        """The images of the class in the middle; of two, the smaller."""
        return sorted(self.classes.values())[(len(self.classes) - 1) // 2]

    @property
    def smallest(self) -> str:
        """The class with the fewest images."""
        return min(self.classes, key=lambda name: self.classes[name])

    @property
    def largest(self) -> str:
        """The class with the most images."""
        return max(self.classes, key=lambda name: self.classes[name])

    @property
    def fewest(self) -> int:
        """The number of images of the smallest class."""
        return self.classes[self.smallest]

    @property
    def most(self) -> int:
        """The number of images of the largest class."""
        return self.classes[self.largest]

    @property
    def guess(self) -> float:
        """The accuracy of always guessing the largest class, from 0 to 1."""
        return self.most / self.images

    @property
    def shares(self) -> tuple[float, float] | None:
        """The shares for validation and test that leave each class enough; None if none do."""
        needs_test = not self.has_test and not self.validation
        return advised_shares(self.fewest, takes_test=needs_test)

    def texts(self) -> dict[str, object]:
        """Returns what the texts of the rules may mention."""
        share, test = self.shares or (0.0, 0.0)
        return {
            "images": f"{self.images:,}",
            "count": len(self.classes),
            "typical": f"{self.typical:,}",
            "smallest": self.smallest,
            "fewest": f"{self.fewest:,}",
            "largest": self.largest,
            "most": f"{self.most:,}",
            "range": f"{self.fewest:,} to " * (self.fewest < self.most) + f"{self.most:,}",
            "guess": f"{100 * self.guess:.2f} %",
            "share": share,
            "test": test,
            "default": SPLIT_DEFAULTS["validation"],
            "usual": int(self.fewest * SPLIT_DEFAULTS["validation"]),
            "validating": int(self.fewest * share + 1e-9),
            "own": min(self.validation.values(), default=0),
        }


def advise(facts: ImageCounts, rules: Sequence[Rule[ImageCounts]]) -> list[Advice]:
    """Returns what the rules advise for a data set, in their order.

    A topic whose advice depends on similarity is there for both cases if `similar` is None.
    """
    if facts.similar is not None:
        return apply(facts, rules)
    cases = [apply(attrs.evolve(facts, similar=similar), rules) for similar in (True, False)]
    similar, different = ({one.topic: one for one in case} for case in cases)
    found: list[Advice] = []
    for topic in dict.fromkeys(rule.topic for rule in rules):
        if similar.get(topic) == different.get(topic):
            found += [similar[topic]] if topic in similar else []
            continue
        found += [
            attrs.evolve(case[topic], topic=f"{topic}, if {which}")
            for which, case in (("similar", similar), ("different", different))
            if topic in case
        ]
    return found
