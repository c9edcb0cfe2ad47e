"""Wrong checks of data sets."""

import itertools
from collections.abc import Callable

from dlcv.interfaces import Check, Finding, Sample, plugin

CALLS = itertools.count()


def check(findings):
    """Returns what makes a check of data sets whose findings are `findings(facts)`."""
    body = {"__doc__": "Does what a test wants.", "findings": lambda self, facts: findings(facts)}
    return lambda: plugin(type("Called", (Check,), body))()


def finding(id="blurry", severity="note", sentence="some are blurry", advice="remove them", **more):
    return Finding(id, severity, sentence, advice, **more)


def found(*given, **changed):
    """Returns what makes a check that always has one finding."""
    return check(lambda facts: [finding(*given, **changed)])


def looking(function):
    """Returns what makes a check that looks at facts, which may fail, and finds nothing."""

    def findings(facts):
        function(facts)
        return []

    return check(findings)


def sort(facts):
    for split in facts.splits.values():
        split.labels[::-1].sort()


def name_classes(facts):
    names = sorted(facts.training_counts)
    return [finding(f"few-{name}") for name in names if name.islower()]


TINY, UNCHANGED = {"empty_and_tiny_facts_are_accepted", ...}, {"facts_stay_unchanged"}
IDS, PHRASES = {"ids_are_words_and_unique"}, {"sentences_and_advice_are_phrases"}
SAMPLES = {"samples_are_of_the_facts"}
TEXTS = ("", "Blurry", "it is blurry.", " it is", "it is\nblurry")
WRONG: dict[str, tuple[Callable, set]] = {
    "needs a split": (looking(lambda facts: next(iter(facts.splits))), TINY),
    "needs an image": (looking(lambda facts: facts.images[0]), TINY),
    "needs a class": (looking(lambda facts: max(facts.training_counts.values())), TINY),
    "needs readable images": (
        looking(lambda facts: [image.pixels.height for image in facts.images]),
        TINY,
    ),
    "returns no list": (check(lambda facts: finding() if len(facts.images) < 2 else []), TINY),
    "sorts the labels": (looking(sort), UNCHANGED),
    "removes a split": (looking(lambda facts: facts.splits.pop("train", None)), UNCHANGED),
    "random": (
        check(lambda facts: [finding(sentence=f"call {next(CALLS)} was made")]),
        {"same_facts_same_findings"},
    ),
    "unknown severity": (found(severity="fatal"), {"severities_are_known"}),
    "two findings of one id": (
        check(lambda facts: [finding(), finding(sentence="others are, too")]),
        IDS,
    ),
    "ids of classes": (check(name_classes), {"ids_do_not_depend_on_names"}),
    **{
        f"the id {word!r}": (found(word), IDS)
        for word in ("Blurry", "blurry images", "", "blurry_images")
    },
    **{f"the sentence {text!r}": (found(sentence=text), PHRASES) for text in TEXTS},
    **{f"the advice {text!r}": (found(advice=text), PHRASES) for text in TEXTS},
    "an empty group": (found(groups=((),)), SAMPLES),
    "a file that is not there": (found(groups=((Sample("nowhere.jpg"),),)), SAMPLES),
    "an image that is not there": (found(groups=((Sample("a", "train", "cat", 0),),)), SAMPLES),
}
