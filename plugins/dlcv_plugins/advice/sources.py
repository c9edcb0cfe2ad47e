"""Who advises what, so that it can be looked up."""

from collections.abc import Iterable

import attrs


@attrs.frozen
class Source:
    """A source of advice.

    Attributes:
        short: How it is cited beside the advice: `Rosebrock 2017, chapter 8`.
        full: Author, title, year.
    """

    short: str
    full: str


ROSEBROCK = (
    "Adrian Rosebrock, Deep Learning for Computer Vision with Python, Practitioner Bundle, 2017"
)
GUIDE = Source(
    "transfer-learning guide",
    "a guide to the hyper-parameters of an image-classification platform with transfer learning "
    "(product documentation; it names no author)",
)
LECTURE = Source(
    "CIFAR-10 lecture",
    "a university lecture on convolutional networks with CIFAR-10 and Keras (slides; they name no "
    "author)",
)
KARPATHY = Source(
    "Karpathy 2019", "Andrej Karpathy, A Recipe for Training Neural Networks, 2019 (blog)"
)
GOODFELLOW = Source(
    "Goodfellow 2016, chapter 11",
    "Ian Goodfellow, Yoshua Bengio and Aaron Courville, Deep Learning, 2016",
)
NG = Source("Ng 2018", "Andrew Ng, Machine Learning Yearning, draft of 2018")
WU = Source(
    "Wu & Johnson 2021", 'Yuxin Wu and Justin Johnson, Rethinking "Batch" in BatchNorm, 2021'
)
MEASURED = Source("measured", "with dlcv on 720 photographs of twelve flowers, at 224 x 224 pixels")


def rosebrock(*chapters: int) -> Source:
    """Returns chapters of the Practitioner Bundle as a source; the whole book without any."""
    if not chapters:
        return Source("Rosebrock 2017", ROSEBROCK)
    word = "chapter" if len(chapters) == 1 else "chapters"
    return Source(f"Rosebrock 2017, {word} {' and '.join(map(str, chapters))}", ROSEBROCK)


def bibliography(sources: Iterable[Source]) -> list[str]:
    """Returns each source in full, once."""
    return list(dict.fromkeys(f"{s.short.partition(',')[0]}: {s.full}" for s in sources))
