"""Images that are nearly black."""

from dlcv.interfaces import Check, DatasetFacts, Finding, option, plugin


@plugin
class Dark(Check):
    """Finds images that are so dark that they show little."""

    brightness: float = option(10.0, help="mean of all pixels below which an image counts", ge=0)

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns one finding, with the images that it concerns, or none."""
        dark = []
        for image in facts.images:
            small = image.pixels.signature if image.pixels else b""
            if small and (mean := sum(small) / len(small)) < self.brightness:
                dark.append(image.sample.with_detail(f"mean {mean:.1f}"))
        if not dark:
            return []
        sentence = f"{len(dark)} of {len(facts.images)} images are darker than {self.brightness:g}"
        advice = "remove them, or brighten them"
        return [Finding("dark", "warning", sentence, advice, tuple((s,) for s in dark))]
