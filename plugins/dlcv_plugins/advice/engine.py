"""The rules that advice comes from: a condition, texts, and who says so; and their use."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import attrs

from dlcv_plugins.advice.sources import Source


class Facts(Protocol):
    """What rules ask about."""

    def texts(self) -> Mapping[str, object]:
        """Returns what the texts of the rules may mention, by name."""


F = TypeVar("F", bound=Facts)
Text = str | Callable[[F], str]
"""A text in which names in braces are those of `Facts.texts`, or what makes a text of facts."""


@attrs.frozen
class Rule(Generic[F]):
    """One piece of advice; of a topic's rules, the first that applies is given.

    Attributes:
        topic: What it is about.
        applies: Whether it applies.
        advice: What to do.
        reason: Why: the figures that lead to it.
        sources: Who advises it.
        options: The options of `dlcv run` that follow it.
    """

    topic: str
    applies: Callable[[F], bool]
    advice: Text[F]
    reason: Text[F]
    sources: Sequence[Source]
    options: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Advice:
    """What a rule advises; the fields are the rule's, with all texts filled in."""

    topic: str
    advice: str
    reason: str
    sources: tuple[Source, ...]
    options: dict[str, str] = attrs.field(factory=dict)

    @property
    def source(self) -> str:
        """Who advises it, in short."""
        return ", ".join(source.short for source in self.sources)


def advise(facts: F, rules: Sequence[Rule[F]]) -> list[Advice]:
    """Returns what the rules advise: of each topic, the first that applies, in their order."""
    return [_filled(rule, facts) for rule in applying(facts, rules).values()]


def applying(facts: F, rules: Sequence[Rule[F]]) -> dict[str, Rule[F]]:
    """Returns the rule that applies on each topic, by topic, in the order of the topics."""
    topics = dict.fromkeys(rule.topic for rule in rules)
    chosen: dict[str, Rule[F]] = {}
    for rule in rules:
        if rule.topic not in chosen and rule.applies(facts):
            chosen[rule.topic] = rule
    return {topic: chosen[topic] for topic in topics if topic in chosen}


def _filled(rule: Rule[F], facts: F) -> Advice:
    texts = facts.texts()

    def fill(text: Any) -> str:
        return str(text(facts)) if callable(text) else str(text).format_map(texts)

    return Advice(
        rule.topic,
        fill(rule.advice),
        fill(rule.reason),
        tuple(rule.sources),
        {name: fill(value) for name, value in rule.options.items()},
    )
