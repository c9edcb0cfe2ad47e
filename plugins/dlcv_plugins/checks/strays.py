"""Files in a data set's folders that are not read: passed over in silence elsewhere, told here."""

import os
from collections import Counter
from pathlib import Path

from dlcv import images
from dlcv_plugins.checks.collect import Collected
from dlcv_plugins.checks.findings import Finding, Sample, count, one_by_one


def stray_findings(collected: Collected) -> list[Finding]:
    """Returns the files that belong to no class."""
    root = collected.folder
    if root is None or not collected.is_of_files or collected.refused:
        return []
    known = {os.path.normpath(facts.path) for facts in collected.images}
    misplaced, foreign, others = [], [], []
    for path in sorted(images.walk_files(root)):
        if os.path.normpath(path) in known:
            continue
        sample = Sample(os.path.relpath(path, root))
        if images.is_image_file(path):
            misplaced.append(sample)
        elif images.unread_by_extension([path]):
            foreign.append(sample)
        else:
            others.append(sample)
    return [*_misplaced(misplaced), *_foreign(foreign), *_others(others)]


def _misplaced(samples: list[Sample]) -> list[Finding]:
    if not samples:
        return []
    return [
        Finding(
            "images-without-class",
            "warning",
            f"{count(len(samples), 'image')} {_lie(samples)} where no class is, and not read",
            "move them to where their class is told, or away",
            one_by_one(samples),
        )
    ]


def _foreign(samples: list[Sample]) -> list[Finding]:
    if not samples:
        return []
    suffixes = ", ".join(sorted({os.path.splitext(s.name)[1].lower() for s in samples}))
    return [
        Finding(
            "unread-images",
            "warning",
            f"{count(len(samples), 'file')} {_lie(samples)} there in a format that is not read "
            f"({suffixes})",
            "convert them to JPEG or PNG if they are to be used",
            one_by_one(samples),
        )
    ]


def _others(samples: list[Sample]) -> list[Finding]:
    if not samples:
        return []
    kinds = Counter(os.path.splitext(s.name)[1].lower() or Path(s.name).name for s in samples)
    listed = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common(5))
    return [
        Finding(
            "strays",
            "note",
            f"{count(len(samples), 'file')} {'is' if len(samples) == 1 else 'are'} no image and "
            f"not read ({listed})",
            "nothing has to be done if they belong there",
            one_by_one(samples),
        )
    ]


def _lie(samples: list[Sample]) -> str:
    return "lies" if len(samples) == 1 else "lie"
