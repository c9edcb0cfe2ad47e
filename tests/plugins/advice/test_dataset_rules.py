"""Advice: which rule holds at the borders between cases, and what its text is filled with."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcv_plugins.advice.dataset import ImageCounts, advise
from dlcv_plugins.advice.dataset_rules import RULES, always
from dlcv_plugins.advice.engine import Advice, Rule
from dlcv_plugins.advice.sources import Source, bibliography

TOPICS = list(dict.fromkeys(rule.topic for rule in RULES))


def facts(*counts, **others):
    return ImageCounts({f"class{i}": count for i, count in enumerate(counts)}, **others)


def advice(topic, *counts, **others):
    (found,) = [a for a in advise(facts(*counts, **others), RULES) if a.topic == topic]
    return found


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((100, 100), "16"),
        ((150, 150), "16"),
        ((150, 151), "32, or 64"),
        ((500, 499), "32, or 64"),
        ((500, 500), "64, or 32"),
        ((1000, 999), "64, or 32"),
        ((1000, 1000), "128"),
        ((5000,) * 10, "128"),
    ],
)
def test_the_batch_is_16_for_about_200_images_and_larger_for_thousands(counts, expected):
    found = advice("batch size", *counts)
    assert found.advice == expected
    assert found.options == {"--batch-size": expected.partition(",")[0]}


@pytest.mark.parametrize(
    ("count", "similar", "expected"),
    [
        (30, True, "a linear model on features of a pretrained network (dlcv transfer); fine"),
        (299, True, "a linear model on features of a pretrained network (dlcv transfer); fine"),
        (300, True, "a linear model on features of a pretrained network (dlcv transfer), then"),
        (1000, True, "a linear model on features of a pretrained network (dlcv transfer), then"),
        (1001, True, "fine-tune the head and the last convolutional layers"),
        (299, False, "a linear model on features from earlier layers"),
        (300, False, "compare what is advised for fewer images"),
        (1000, False, "compare what is advised for fewer images"),
        (1001, False, "fine-tune as the baseline, then compare with training everything"),
    ],
)
def test_the_strategy_goes_by_size_and_similarity(count, similar, expected):
    assert advice("strategy", count, count, similar=similar).advice.startswith(expected)


def test_both_strategies_are_told_where_similarity_is_not_known():
    unknown = {a.topic: a.advice for a in advise(facts(50, 50), RULES)}
    for topic, similar in (("strategy, if similar", True), ("strategy, if different", False)):
        assert unknown[topic] == advice("strategy", 50, 50, similar=similar).advice
    others = [topic for topic in unknown if not topic.startswith("strategy")]
    assert others == [topic for topic in TOPICS if topic != "strategy"]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((29, 29), "no: collect more, with varied backgrounds"),
        ((30, 30), "to start from a pretrained network, yes; from scratch, expect less"),
        ((999, 999), "to start from a pretrained network, yes; from scratch, expect less"),
        ((1000, 1000), "yes, also to train from scratch"),
        ((5, 1000, 1000), "yes, also to train from scratch"),
    ],
)
def test_training_from_scratch_wants_a_thousand_a_class(counts, expected):
    assert advice("enough images", *counts).advice == expected


@pytest.mark.parametrize(
    ("classes", "count", "expected"),
    [
        (9, 299, "256 units wide, or 132 or 512"),
        (10, 299, "1,024 units wide, or more"),
        (9, 300, "1,024 units wide, or more"),
    ],
)
def test_the_classification_layer_is_narrow_for_few_images_of_few_classes(classes, count, expected):
    assert advice("classification layer", *[count] * classes).advice == expected


class TestValidation:
    @pytest.mark.parametrize(
        ("counts", "has_test", "advised", "options"),
        [
            ((40, 40), True, "a share of 0.4 to compare settings by", {"--validation": "0.4"}),
            ((1000, 80), True, "a share of 0.2 to compare settings by", {"--validation": "0.2"}),
            ((150, 150), True, "a share of 0.1, the default", {"--validation": "0.1"}),
            # A fifth is for the test: 38 + 15 + 10 images.
            ((63, 63), False, "a share of 0.25 to compare settings by", {"--validation": "0.25"}),
            ((500, 500), False, "a share of 0.1, the default", {"--validation": "0.1"}),
            # A tenth, where a fifth leaves too few: 20 + 16 + 4 images.
            (
                (40, 40),
                False,
                "a share of 0.4, with a share of 0.1 for the test",
                {"--validation": "0.4", "--test": "0.1"},
            ),
        ],
    )
    def test_the_share_leaves_the_smallest_class_enough(self, counts, has_test, advised, options):
        found = advice("validation", *counts, has_test=has_test)
        assert found.advice == advised
        assert found.options == options

    @pytest.mark.parametrize(("count", "has_test"), [(37, True), (38, False), (0, True)])
    def test_too_few_images_for_any_share_are_told(self, count, has_test):
        found = advice("validation", count, 500, has_test=has_test)
        assert found.advice == "no share is enough: collect more of class0"
        assert found.options == {}

    @pytest.mark.parametrize(
        ("own", "expected"),
        [(14, "move more images to the validation part"), (15, "the part that the data has")],
    )
    def test_a_part_that_the_data_has_is_judged(self, own, expected):
        found = advice("validation", 500, 500, validation={"class0": 200, "class1": own})
        assert found.advice == expected
        assert f"it has {own}" in found.reason
        assert found.options == {}


@pytest.mark.parametrize(
    ("counts", "expected", "guess"),
    [
        ((100, 200), "nothing to do", "66.67 %"),
        ((100, 201), "collect more of class0; judge by the figures of each class", "66.78 %"),
        ((900, 100), "collect more of class1; judge by the figures of each class", "90.00 %"),
        ((0, 7), "collect more of class0; judge by the figures of each class", "100.00 %"),
    ],
)
def test_balance_tells_what_guessing_the_largest_class_scores(counts, expected, guess):
    found = advice("balance", *counts)
    assert found.advice == expected
    assert guess in found.reason


@pytest.mark.parametrize(
    ("counts", "told"), [((1000, 1000), "1,000 images a class; "), ((10, 12), "10 to 12 images a ")]
)
def test_balance_tells_one_number_where_all_classes_have_it(counts, told):
    assert advice("balance", *counts).reason.startswith(told)


@given(
    st.lists(st.integers(0, 10**6), min_size=2, max_size=12).filter(any),
    st.lists(st.integers(0, 500), max_size=12),
    st.booleans(),
    st.none() | st.booleans(),
)
def test_every_data_set_gets_advice_on_every_topic(counts, validation, has_test, similar):
    own = {f"class{i}": count for i, count in enumerate(validation)}
    found = advise(facts(*counts, validation=own, has_test=has_test, similar=similar), RULES)
    assert list(dict.fromkeys(a.topic.partition(", if ")[0] for a in found)) == TOPICS
    for one in found:
        assert all((one.topic, one.advice, one.reason, one.source))


def test_a_class_may_have_braces_in_its_name():
    by_topic = {a.topic: a.advice for a in advise(ImageCounts({"{typical}": 50, "{x": 400}), RULES)}
    assert by_topic["balance"].startswith("collect more of {typical}; judge")


def test_every_text_names_facts_that_there_are():
    known = set(facts(1, 2).texts())
    for rule in RULES:
        for text in (rule.advice, rule.reason, *rule.options.values()):
            assert {field for _, field, *_ in string.Formatter().parse(text) if field} <= known


ME = Source("me", "I myself, A Book, 2017")


def test_a_guide_s_advice_on_the_first_network_and_on_backgrounds_is_given():
    for counts in ([50, 50], [2000, 2000]):
        network = advice("first network", *counts)
        assert "resnet18 or resnet34" in network.advice
        assert "weights trained on scenes suit scenes" in network.reason
        assert "as varied as those" in advice("backgrounds", *counts).advice
    assert "varied backgrounds" in advice("enough images", 10, 10).advice


def many(facts):
    return facts.images > 5


def test_the_first_rule_that_applies_is_given():
    rules = [
        Rule("a", many, "many: {images}", "because", [ME], options={"--x": "{count}"}),
        Rule("a", always, "few", "because", [ME]),
        Rule("b", many, "only then", lambda f: f"of {f.images}", [ME]),
    ]
    assert advise(facts(3, 3), rules) == [
        Advice("a", "many: 6", "because", (ME,), options={"--x": "2"}),
        Advice("b", "only then", "of 6", (ME,)),
    ]
    assert advise(facts(1, 1), rules) == [Advice("a", "few", "because", (ME,))]


def test_every_source_can_be_looked_up():
    sources = {source for rule in RULES for source in rule.sources}
    listed = bibliography(sources)
    assert any("Adrian Rosebrock, Deep Learning for Computer Vision" in line for line in listed)
    assert len(listed) == 4
