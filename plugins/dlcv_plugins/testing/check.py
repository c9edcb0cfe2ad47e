"""Checks of data set checks, on made-up facts: empty, tiny, and with a defect of each kind.

PYTEST_DONT_REWRITE: what fails is told in whole sentences.
"""

import functools
import re
from collections.abc import Callable, Iterator, Sequence

import attrs

from dlcv.interfaces import UNSPLIT, Images, LabelledImages, Plugin
from dlcv.testing import Check
from dlcv_plugins.kinds.check import (
    SEVERITIES,
    DatasetFacts,
    FileHeader,
    Finding,
    ImageFacts,
    PixelSummary,
    Sample,
)
from dlcv_plugins.kinds.check import Check as DatasetCheck

ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def checks(cls: type[Plugin]) -> tuple[Check, ...]:
    """Returns the checks for data set checks."""
    return (
        check_empty_and_tiny_facts_are_accepted,
        check_facts_stay_unchanged,
        check_same_facts_same_findings,
        check_severities_are_known,
        check_ids_are_words_and_unique,
        check_ids_do_not_depend_on_names,
        check_sentences_and_advice_are_phrases,
        check_samples_are_of_the_facts,
    )


def check_empty_and_tiny_facts_are_accepted(check: DatasetCheck) -> None:
    """Splits and images may be missing, and every image may be unreadable."""
    unreadable = ImageFacts(Sample("a.jpg", UNSPLIT, "a", 0), problem="is empty")
    one = {UNSPLIT: _Images(("a",), [0])}
    for facts in (
        DatasetFacts({}),
        DatasetFacts({}, {"train": "is damaged"}),
        DatasetFacts({UNSPLIT: _Images((), [])}),
        DatasetFacts({"test": _Images(("a", "b"), [])}),
        DatasetFacts(one, images=(unreadable,)),
        DatasetFacts(one, images=(_image("a.jpg", UNSPLIT, "a", 0),)),
    ):
        try:
            found = check.findings(facts)
        except Exception as error:
            raise AssertionError(f"{check} raises {error!r} for {facts}") from error
        assert isinstance(found, list), f"{check} returns {found!r}, which is no list"


def check_facts_stay_unchanged(check: DatasetCheck) -> None:
    """Every check gets the same facts."""
    import numpy as np

    for make in EXAMPLES:
        facts, before = make(), make()
        check.findings(facts)
        for field in attrs.fields(DatasetFacts):
            value, old = getattr(facts, field.name), getattr(before, field.name)
            if field.name == "splits":
                value, old = (
                    {n: (np.asarray(s.labels).tolist(), s.label_names) for n, s in splits.items()}
                    for splits in (value, old)
                )
            assert value == old, f"{check} changes the {field.name} of the facts"


def check_same_facts_same_findings(check: DatasetCheck) -> None:
    """A check is a pure function of the facts."""
    for make in EXAMPLES:
        first, second = check.findings(make()), check.findings(make())
        assert first == second, f"{check} finds {first}, then {second}"


def check_severities_are_known(check: DatasetCheck) -> None:
    """A severity is one of three words."""
    for finding, _ in _found(check):
        known = ", ".join(SEVERITIES)
        assert finding.severity in SEVERITIES, (
            f'{finding.id} has the severity "{finding.severity}"; use one of {known}'
        )


def check_ids_are_words_and_unique(check: DatasetCheck) -> None:
    """Programs find a finding by its id: lower-case words with hyphens, one finding each."""
    for make in EXAMPLES:
        ids = [finding.id for finding in check.findings(make())]
        for name in ids:
            assert ID.fullmatch(name), f'the id "{name}" is not like "blurry-images"'
            number = ids.count(name)
            assert number == 1, f"{number} findings have the id {name}; merge them into one"


def check_ids_do_not_depend_on_names(check: DatasetCheck) -> None:
    """An id is the same for all data sets; names of classes and files belong in the sentence."""
    for example in (_divided, _undivided):
        plain, renamed = ({f.id for f in check.findings(example(word))} for word in ("cat", "owl"))
        assert plain == renamed, (
            f"{check} has the ids {sorted(plain)}, and {sorted(renamed)} where classes and files "
            "have other names"
        )


def check_sentences_and_advice_are_phrases(check: DatasetCheck) -> None:
    """Both are shown in one line; the page sets the full stop."""
    for finding, _ in _found(check):
        for name in ("sentence", "advice"):
            text = getattr(finding, name)
            problem = (
                "has fewer than two words" * (len(text.split()) < 2)
                or "has a line break or spaces around it" * (text != " ".join(text.split()))
                or "ends with a full stop" * text.endswith(".")
            )
            assert not problem, f'the {name} of {finding.id} {problem}: "{text}"'


def check_samples_are_of_the_facts(check: DatasetCheck) -> None:
    """What a finding is about can be shown: its samples are images or files of the data set."""
    for finding, facts in _found(check):
        known = {image.sample for image in facts.images} | set(map(Sample, facts.other_files))
        for group in finding.groups:
            assert group, f"{finding.id} has an empty group"
            for sample in group:
                assert sample.with_detail("") in known, (
                    f"{finding.id} is about {sample}, which the facts don't have; "
                    "take samples from facts.images or facts.other_files"
                )


class _Images(LabelledImages):
    """Black images of a size."""

    def __init__(self, label_names: Sequence[str], labels: Sequence[int]) -> None:
        import numpy as np

        self.label_names = tuple(label_names)
        self.labels = np.array(labels, np.int64)
        self.image_shape = (32, 32, 3)

    def read(self, indices: Sequence[int]) -> Images:  # type: ignore[override]
        import numpy as np

        return np.zeros((len(indices), 32, 32, 3), np.uint8)

    def sample_id(self, index: int) -> str:
        return f"image {index}"

    def fingerprint(self) -> str:
        return repr((self.label_names, self.labels.tolist()))


def _image(
    name: str,
    split: str,
    label: str,
    index: int,
    *,
    header: FileHeader | None = None,
    seed: int | None = None,
    version: int = 0,
    size: tuple[int, int] = (100, 120),
    is_grey: bool = False,
    is_blank: bool = False,
) -> ImageFacts:
    """Returns the facts of a good image; those of one seed are copies, exact or near ones."""
    digest, *hashes, signature = _seeded(index if seed is None else seed)
    pixels = PixelSummary(
        height=size[0],
        width=size[1],
        digest=digest + bytes([version]),
        hash=int.from_bytes(hashes[0], "big"),
        mirrored_hash=int.from_bytes(hashes[1], "big"),
        signature=signature,
        is_grey=is_grey,
        is_blank=is_blank,
    )
    header = header or FileHeader("JPEG", "RGB", *size)
    return ImageFacts(Sample(name, split, label, index), f"data/{name}", header, pixels)


@functools.cache
def _seeded(seed: int) -> tuple[bytes, ...]:
    """Returns a digest, two hashes and a signature; drawing them takes longer than all else."""
    import numpy as np

    rng = np.random.default_rng(seed)
    return tuple(map(rng.bytes, (15, 8, 8, 3 * PixelSummary.signature_side**2)))


def _defects(word: str, split: str, start: int) -> Iterator[ImageFacts]:
    """Yields an image with each defect, all of the class `word`."""
    header = functools.partial(FileHeader, "PNG", "RGBA", 100, 120)
    variants = (
        {"header": header(orientation=6)},
        {"header": header(frames=3)},
        {"header": header(bits=16)},
        {"header": header(has_transparency=True)},
        {"header": FileHeader("JPEG", "CMYK", 100, 120)},
        {"size": (1, 2)},
        {"size": (20_000, 100)},
        {"size": (6000, 6000)},
        {"is_blank": True},
        *({"is_grey": True, "seed": 100_000 + n} for n in range(40)),
        {"seed": 0},
        {"seed": 0},
        {"seed": 1, "version": 1},
    )
    for number, variant in enumerate(variants):
        yield _image(f"{word}/d{number}.jpg", split, word, start + number, **variant)  # type: ignore[arg-type]
    number = start + len(variants)
    for size, problem in ((100, "is cut off"), (100_000, "has too many pixels")):
        broken = FileHeader("GIF", "RGB", size, size, is_too_large=size > 100)
        sample = Sample(f"{word}/broken{size}.gif", split, word, number)
        yield ImageFacts(sample, f"data/{sample.name}", broken, problem=problem)
        number += 1


def _undivided(word: str = "cat") -> DatasetFacts:
    """Returns facts of a data set that is not divided, with a large, a small and an empty class."""
    facts = [_image(f"{word}/{n}.jpg", UNSPLIT, word, n) for n in range(400)]
    facts += _defects(word, UNSPLIT, len(facts))
    facts += [_image(f"dog/{n}.jpg", UNSPLIT, "dog", len(facts) + n) for n in range(5)]
    labels = [0 if image.sample.label == word else 1 for image in facts]
    split = _Images((word, "dog", word.upper()), labels)
    others = (f"{word}/notes.txt", f"{word}/phone.dng", f"{word}.jpg", "README")
    return DatasetFacts({UNSPLIT: split}, {}, tuple(facts), None, others)


def _divided(word: str = "cat") -> DatasetFacts:
    """Returns facts of splits that share images, differ in classes, and of which one is damaged."""
    names = (word, "dog", "bird")
    training = [_image(f"train/{word}/{n}.jpg", "train", word, n) for n in range(40)]
    training += [_image(f"train/dog/{n}.jpg", "train", "dog", 40 + n) for n in range(40)]
    training += _defects(word, "train", 80)
    testing = [_image(f"test/{word}/{n}.jpg", "test", word, n) for n in range(20)]
    testing += [_image("test/dog/0.jpg", "test", "dog", 20, seed=3)]
    held_back = [
        _image(f"train_val/dog/{n}.jpg", "train_val", "dog", n, seed=500 + n) for n in range(10)
    ]
    splits = {
        name: _Images(labels, [labels.index(image.sample.label) for image in images])
        for name, images, labels in (
            ("train", training, names),
            ("train_val", held_back, names),
            ("test", testing, names[:2]),
        )
    }
    return DatasetFacts(splits, {"val": "is damaged"}, (*training, *held_back, *testing))


EXAMPLES: tuple[Callable[[], DatasetFacts], ...] = (
    _undivided,
    _divided,
    lambda: DatasetFacts({"test": _Images(("a",), [0])}, images=(_image("a", "test", "a", 0),)),
)
"""What make facts, so that a check can't spoil them for others."""


def _found(check: DatasetCheck) -> Iterator[tuple[Finding, DatasetFacts]]:
    for make in EXAMPLES:
        facts = make()
        for finding in check.findings(facts):
            yield finding, facts
