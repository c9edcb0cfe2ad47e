"""Advice for a data set: rules with a condition, a text, a reason and a source, and their use."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs

from dlcv.data.split import SPLIT_DEFAULTS, validation_share


@attrs.frozen
class Facts:
    """What the rules ask about.

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
    def share(self) -> float | None:
        """The validation share that leaves each class enough; None where none does."""
        needs_test = not self.has_test and not self.validation
        return validation_share(
            self.fewest, round(SPLIT_DEFAULTS["test"] * self.fewest * needs_test)
        )

    def texts(self) -> dict[str, object]:
        """Returns what the texts of the rules may mention."""
        share = self.share or 0
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
            "validating": int(self.fewest * share + 1e-9),
            "own": min(self.validation.values(), default=0),
        }


@attrs.frozen
class Rule:
    """One piece of advice; of a topic's rules, the first that applies is given.

    Attributes:
        topic: What it is about.
        applies: Whether it is for a data set.
        advice: What to do; names in braces are those of `Facts.texts`.
        reason: Why, likewise.
        source: Who says so.
        options: The options of `dlcv run` that follow it, likewise.
    """

    topic: str
    applies: Callable[[Facts], bool]
    advice: str
    reason: str
    source: str
    options: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Advice:
    """What a rule says about a data set; `options` are those of `dlcv run` that follow it."""

    topic: str
    advice: str
    reason: str
    source: str
    options: dict[str, str]


def advise(facts: Facts, rules: Sequence[Rule]) -> list[Advice]:
    """Returns what the rules say, in their order.

    A topic whose advice depends on similarity is there for both cases if `similar` is None.
    """
    topics = dict.fromkeys(rule.topic for rule in rules)
    return [
        advice
        for topic in topics
        for advice in _on_topic(facts, [rule for rule in rules if rule.topic == topic])
    ]


def _on_topic(facts: Facts, rules: Sequence[Rule]) -> Iterator[Advice]:
    cases = (True, False) if facts.similar is None else (facts.similar,)
    found = [
        (similar, rule)
        for similar in cases
        if (rule := _first(attrs.evolve(facts, similar=similar), rules)) is not None
    ]
    if len(found) == len(cases) and len({id(rule) for _, rule in found}) == 1:
        yield _filled(found[0][1], facts)
        return
    for similar, rule in found:
        which = "similar" if similar else "different"
        yield attrs.evolve(_filled(rule, facts), topic=f"{rule.topic}, if {which}")


def _first(facts: Facts, rules: Sequence[Rule]) -> Rule | None:
    return next((rule for rule in rules if rule.applies(facts)), None)


def _filled(rule: Rule, facts: Facts) -> Advice:
    texts = facts.texts()
    return Advice(
        rule.topic,
        rule.advice.format_map(texts),
        rule.reason.format_map(texts),
        rule.source,
        {name: value.format_map(texts) for name, value in rule.options.items()},
    )
