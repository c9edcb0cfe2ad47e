"""Versions of one image: resized, re-encoded, mirrored, of other brightness."""

from dlcv.interfaces import option, plugin
from dlcv_plugins.checks.copies import copy_findings, identical_images
from dlcv_plugins.kinds.check import Check, DatasetFacts, Finding


@plugin
class NearCopies(Check):
    """Finds versions of one image: resized, re-encoded, mirrored, of other brightness."""

    distance: int = option(
        10, help="bits of 64 by which the perceptual hashes differ at most", ge=0, le=64
    )
    correlation: float = option(
        0.94, help="correlation of the small images' pixels at least", gt=0, le=1
    )

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns up to three findings: near copies across splits, of several classes, others."""
        from dlcv_plugins.similarity.groups import similar_groups

        different = identical_images(facts)
        summaries = [group[0].pixels for group in different if group[0].pixels is not None]
        similar = similar_groups(summaries, self.distance, self.correlation)
        near = [[image for place in group for image in different[place]] for group in similar]
        return copy_findings(
            near, facts, id="near-copies", adjective="nearly identical", mislabelled="warning"
        )
