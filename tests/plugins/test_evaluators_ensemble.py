"""Networks beside their combination, by hand and against each network alone."""

import attrs
import numpy as np
import pytest
from made_predictions import predictions, random_predictions

from dlcv.errors import DlcvError
from dlcv_plugins.evaluators.ensemble import Ensemble
from dlcv_plugins.evaluators.intervals import wilson
from dlcv_plugins.evaluators.rank import Rank

MEMBERS = [
    [[0.9, 0.1, 0.0], [0.6, 0.4, 0.0]],
    [[0.4, 0.6, 0.0], [0.1, 0.9, 0.0]],
    [[0.4, 0.6, 0.0], [0.4, 0.6, 0.0]],
]
"""The first sample: two votes for class 1, but the mean and the geometric mean are for class 0."""


def accuracies(found):
    return {row[0]: row[1] for row in found.tables["ensemble"].rows}


def test_each_member_their_average_and_each_method_stand_side_by_side():
    given_ones = predictions(MEMBERS, [0, 1])
    found = Ensemble().evaluate(given_ones)
    assert accuracies(found) == pytest.approx(
        {
            "member 1": 0.5,
            "member 2": 0.5,
            "member 3": 0.5,
            "average of the members": 0.5,
            "ensemble by mean": 1,
            "ensemble by geometric": 1,
            "ensemble by vote": 0.5,
        }
    )
    low, high = wilson(1, 2)
    assert found.tables["ensemble"].rows[0][2] == f"{low:.4f} to {high:.4f}"
    assert found.metrics == {"ensemble_rank1": 1, "members_rank1": 0.5, "ensemble_gain": 0.5}
    assert found.intervals["ensemble_rank1"] == wilson(2, 2)


def test_the_chosen_method_gives_the_metrics():
    found = Ensemble(method="vote").evaluate(predictions(MEMBERS, [0, 1]))
    assert found.metrics == {"ensemble_rank1": 0.5, "members_rank1": 0.5, "ensemble_gain": 0}


def test_members_are_weighted_where_their_validation_accuracies_are_known():
    named = attrs.evolve(
        predictions(MEMBERS, [0, 1]),
        member_names=("a", "b", "c"),
        validation_accuracies=(0.0, 0.5, 0.5),
    )
    found = Ensemble(method="weighted").evaluate(named)
    assert list(accuracies(found))[:3] == ["a", "b", "c"]
    # Without the first member, class 1 wins both samples.
    assert accuracies(found)["ensemble by weighted"] == found.metrics["ensemble_rank1"] == 0.5


@pytest.mark.parametrize("known", [(), (0.0, 0.0, 0.0), (0.5,)])
def test_without_weights_they_can_not_be_weighted(known):
    given_ones = attrs.evolve(predictions(MEMBERS, [0, 1]), validation_accuracies=known)
    assert "ensemble by weighted" not in accuracies(Ensemble().evaluate(given_ones))
    with pytest.raises(DlcvError, match="can't be weighted"):
        Ensemble(method="weighted").evaluate(given_ones)


def test_members_are_as_right_as_alone():
    members = [random_predictions(200, 6, seed).probabilities[0] for seed in range(3)]
    labels = random_predictions(200, 6, 0).labels
    found = accuracies(Ensemble().evaluate(predictions(members, labels)))
    alone = [Rank().evaluate(predictions(m, labels)).metrics["rank1"] for m in members]
    assert list(found.values())[:3] == alone
    together = Rank().evaluate(predictions(members, labels)).metrics["rank1"]
    assert found["ensemble by mean"] == together
    assert found["average of the members"] == pytest.approx(np.mean(alone))


def test_a_gain_that_may_be_luck_has_an_interval_around_nothing():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 100)
    members = rng.dirichlet(np.ones(4), (3, 100))
    low, high = Ensemble().evaluate(predictions(members, labels)).intervals["ensemble_gain"]
    assert low < 0 < high


def test_a_member_that_diverged_gets_no_credit():
    members = np.array(MEMBERS)
    members[0] = np.nan
    for method in ("mean", "geometric", "vote"):
        found = Ensemble(method=method).evaluate(predictions(members, [0, 1]))
        assert accuracies(found)["member 1"] == 0
        assert found.metrics["ensemble_rank1"] == 0


def test_a_single_network_is_refused():
    with pytest.raises(DlcvError, match="of one network, and it takes several; name several runs"):
        Ensemble().evaluate(random_predictions(5, 3, seed=0))
