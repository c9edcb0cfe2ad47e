"""Copies: the same image twice, exactly or nearly, across splits or under different labels."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from dlcv_plugins.checks.alike import alike_groups
from dlcv_plugins.checks.collect import Collected, ImageFacts
from dlcv_plugins.checks.findings import Finding, Sample, count

Group = list[ImageFacts]


def duplicate_findings(collected: Collected) -> list[Finding]:
    """Returns groups of images that are the same, exactly or nearly."""
    by_digest: dict[bytes, Group] = defaultdict(list)
    for facts in collected.images:
        # Blank images are all alike, and told already.
        if facts.look is not None and not facts.look.is_blank:
            by_digest[facts.look.digest].append(facts)
    exact = [group for group in by_digest.values() if len(group) > 1]
    different = list(by_digest.values())
    looks = [group[0].look for group in different if group[0].look is not None]
    near = [[facts for i in alike for facts in different[i]] for alike in alike_groups(looks)]
    is_undivided = len(collected.splits) == 1
    return [
        *_tell(exact, "copies", "identical", is_undivided),
        *_tell(near, "near-copies", "nearly identical", is_undivided),
    ]


def _tell(groups: list[Group], kind: str, alike: str, is_undivided: bool) -> Iterator[Finding]:
    across = [g for g in groups if len({facts.sample.split for facts in g}) > 1]
    contradictory = [g for g in groups if len({facts.sample.label for facts in g}) > 1]
    told = {id(group) for group in across + contradictory}
    rest = [g for g in groups if id(g) not in told]
    if across:
        yield Finding(
            f"{kind}-across-splits",
            "error",
            f"{_images(across)} {alike} to images of another split",
            "remove them from one of the splits, best from training: a network that has seen the "
            "test images scores better than it is",
            _samples(across),
        )
    if contradictory:
        yield Finding(
            f"{kind}-with-different-labels",
            "error" if kind == "copies" else "warning",
            f"{_images(contradictory)} {alike} to images of another class",
            "find out which label is right and remove the others; if an image shows several "
            "things, decide on a rule",
            _samples(contradictory),
        )
    if rest:
        cure = "keep one of each group: the others teach nothing new and weigh it more"
        if is_undivided:
            cure = (
                "keep one of each group: a random split puts copies into training and test, and "
                "the network scores better than it is"
            )
        yield Finding(
            kind,
            "warning" if is_undivided else "note",
            f"{_images(rest)} {alike} to others of their class",
            cure,
            _samples(rest),
        )


def _images(groups: list[Group]) -> str:
    number = sum(map(len, groups))
    return f"{count(number, 'image')}, in {count(len(groups), 'group')}, are"


def _samples(groups: Iterable[Group]) -> tuple[tuple[Sample, ...], ...]:
    return tuple(tuple(_telling_first(facts.sample for facts in group)) for group in groups)


def _telling_first(samples: Iterable[Sample]) -> list[Sample]:
    """Returns samples with one of each split and class in front: the first few are shown."""
    seen: Counter[tuple[str, str]] = Counter()
    ranked = []
    for sample in samples:
        ranked.append((seen[sample.split, sample.label], sample))
        seen[sample.split, sample.label] += 1
    return [sample for _, sample in sorted(ranked, key=lambda pair: pair[0])]
