"""The checks that ship with dlcv keep the rules that every check keeps."""

import itertools
from collections import Counter

import pytest

from dlcv import registry
from dlcv.testing import check_plugin
from dlcv_plugins.testing.check import EXAMPLES

NAMES = registry.names("check")


@pytest.mark.parametrize("name", NAMES)
def test_it_passes_the_checks_of_dlcv_testing(name):
    check_plugin(registry.create("check", name))


def test_each_finds_something_in_the_examples_and_no_two_share_an_id():
    """Or the checks above would pass for a check that finds nothing."""
    ids = {
        name: {f.id for make in EXAMPLES for f in registry.create("check", name).findings(make())}
        for name in NAMES
    }
    assert all(ids.values()), ids
    counts = Counter(itertools.chain(*ids.values()))
    assert max(counts.values()) == 1, counts
