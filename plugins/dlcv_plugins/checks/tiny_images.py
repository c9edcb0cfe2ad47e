"""Images that are far smaller than the others."""

from statistics import median

from dlcv.errors import count
from dlcv.interfaces import option, plugin
from dlcv_plugins.checks.image_check import one_by_one
from dlcv_plugins.kinds.check import Check, DatasetFacts, Finding


@plugin
class TinyImages(Check):
    """Finds images so small that they show a blur once they are enlarged."""

    pixels: int = option(8, help="a shorter side below this many pixels counts", ge=1)
    share: float = option(
        1 / 8, help="so does one below this share of the median shorter side", ge=0, le=1
    )

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns one finding with all images whose shorter side is below both limits' maximum."""
        sizes = [
            (min(image.pixels.height, image.pixels.width), image)
            for image in facts.images
            if image.pixels is not None
        ]
        if not sizes:
            return []
        smallest = max(self.pixels, self.share * median(side for side, _ in sizes))
        tiny = [
            image.sample.with_detail(f"{image.pixels.height} x {image.pixels.width}")
            for side, image in sizes
            if side < smallest and image.pixels is not None
        ]
        if not tiny:
            return []
        is_one = len(tiny) == 1
        sentence = (
            f"{count(len(tiny), 'image')} {'is' if is_one else 'are'} tiny: a side "
            f"below {smallest:.0f} pixels"
        )
        advice = "remove icons and failed downloads: enlarged, they show a blur"
        if len(tiny) == len(sizes):
            advice = "use a network for small images, or get the photos in a larger version"
        return [Finding("tiny", "warning", sentence, advice, one_by_one(tiny))]
