"""What checks of copies share: groups of images that are the same, and how bad each group is."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from dlcv.errors import count
from dlcv_plugins.kinds.check import DatasetFacts, Finding, ImageFacts, Sample, Severity

Group = Sequence[ImageFacts]


def identical_images(facts: DatasetFacts) -> list[list[ImageFacts]]:
    """Returns all images but blank ones, those with the same pixels in one group."""
    by_digest: dict[bytes, list[ImageFacts]] = defaultdict(list)
    for image in facts.images:
        # Blank images are all the same, and a check of their own reports them.
        if image.pixels is not None and not image.pixels.is_blank:
            by_digest[image.pixels.digest].append(image)
    return list(by_digest.values())


def copy_findings(
    groups: Iterable[Group],
    facts: DatasetFacts,
    *,
    id: str,
    adjective: str,
    mislabelled: Severity,
) -> list[Finding]:
    """Returns findings about groups of copies: across splits, of several classes, all others.

    Args:
        groups: Images that are the same, two or more in a group.
        facts: Where they come from.
        id: What the findings' ids begin with.
        adjective: What the images are, such as `identical`.
        mislabelled: How bad it is if copies have different labels.
    """
    return list(_findings(list(groups), facts.is_divided, id, adjective, mislabelled))


def _findings(
    groups: list[Group], is_divided: bool, id: str, adjective: str, mislabelled: Severity
) -> Iterator[Finding]:
    across = [g for g in groups if len({image.sample.split for image in g}) > 1]
    contradictory = [g for g in groups if len({image.sample.label for image in g}) > 1]
    reported = {_first(group) for group in across + contradictory}
    rest = [g for g in groups if _first(g) not in reported]
    if across:
        yield Finding(
            f"{id}-across-splits",
            "error",
            f"{_images(across)} {adjective} to images of another split",
            "remove them from one of the splits, best from training (dlcv data build "
            "--drop-duplicates does): a network that was trained on test images scores better than "
            "it is",
            _samples(across),
        )
    if contradictory:
        yield Finding(
            f"{id}-with-different-labels",
            mislabelled,
            f"{_images(contradictory)} {adjective} to images of another class",
            "find out which label is right and remove the others; if an image shows several "
            "things, decide on a rule",
            _samples(contradictory),
        )
    if rest:
        advice = "keep one of each group: extra copies add nothing and over-weight their class"
        if not is_divided:
            advice = (
                "keep one of each (dlcv data build --drop-duplicates): dlcv divides copies to "
                "one side, but a random division puts them into training and test"
            )
        yield Finding(
            id,
            "note" if is_divided else "warning",
            f"{_images(rest)} {adjective} to others of their class",
            advice,
            _samples(rest),
        )


def _first(group: Group) -> tuple[str, int | None]:
    """Returns which image is a group's first: no two groups share an image."""
    return group[0].sample.split, group[0].sample.index


def _images(groups: list[Group]) -> str:
    number = sum(map(len, groups))
    return f"{count(number, 'image')}, in {count(len(groups), 'group')}, are"


def _samples(groups: Iterable[Group]) -> tuple[tuple[Sample, ...], ...]:
    return tuple(tuple(_varied(image.sample for image in group)) for group in groups)


def _varied(samples: Iterable[Sample]) -> list[Sample]:
    """Returns samples with one of each split and class in front: only the first few are shown."""
    seen: Counter[tuple[str, str]] = Counter()
    ranked = []
    for sample in samples:
        ranked.append((seen[sample.split, sample.label], sample))
        seen[sample.split, sample.label] += 1
    return [sample for _, sample in sorted(ranked, key=lambda pair: pair[0])]
