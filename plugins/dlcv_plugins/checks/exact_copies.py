"""Images that are there twice, pixel by pixel."""

from dlcv.interfaces import plugin
from dlcv_plugins.checks.copies import copy_findings, identical_images
from dlcv_plugins.kinds.check import Check, DatasetFacts, Finding


@plugin
class ExactCopies(Check):
    """Finds images with the same pixels, in whatever file format, across splits and classes."""

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns up to three findings: copies across splits, of several classes, and others."""
        copies = [group for group in identical_images(facts) if len(group) > 1]
        return copy_findings(copies, facts, id="copies", adjective="identical", mislabelled="error")
