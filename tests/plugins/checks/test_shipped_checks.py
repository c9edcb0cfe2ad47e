"""The checks that ship with dlcv keep the rules that every check keeps."""

import itertools
from collections import Counter

from dlcv import registry
from dlcv_plugins.testing.check import EXAMPLES

NAMES = registry.names("check")


def test_each_finds_something_in_the_examples_and_no_two_share_an_id():
    """Or the rules, which test_shipped_plugins.py has, would hold for one that finds nothing."""
    ids = {
        name: {f.id for make in EXAMPLES for f in registry.create("check", name).findings(make())}
        for name in NAMES
    }
    assert all(ids.values()), ids
    counts = Counter(itertools.chain(*ids.values()))
    assert max(counts.values()) == 1, counts
