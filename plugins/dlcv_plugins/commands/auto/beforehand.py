"""What `dlcv auto` says about the data before it trains."""

from dlcv.errors import count
from dlcv_plugins.commands.auto.clock import OutOfTimeError
from dlcv_plugins.commands.auto.ladder import Ladder

CHECKING = 0.1
"""Share of the time for the check."""
SHOWN_FINDINGS = 4


def check(data: str, ladder: Ladder) -> None:
    """Names what would spoil training, if the time allows to look for it."""
    from dlcv_plugins.commands.data.check.checkup import check_data

    try:
        with ladder.clock.limited(CHECKING * ladder.clock.seconds):
            found = check_data(data)
    except OutOfTimeError:
        ladder.say("the check takes longer than there is time for: dlcv data check %s", data)
        return
    worst = [f for f in found.findings if f.severity in ("error", "warning")]
    ladder.say(
        "checked %s in %s: %s",
        count(len(found.facts.images), "image"),
        count(len(found.classes.counts), "class", "classes"),
        "nothing would spoil training" if not worst else f"look at {count(len(worst), 'thing')}",
    )
    for finding in worst[:SHOWN_FINDINGS]:
        ladder.say("%s: %s", finding.severity, finding.sentence)


def advise(data: str, ladder: Ladder) -> None:
    """Gives the advice of `dlcv data advise` on what to train, and on unequal classes."""
    from dlcv_plugins.advice.dataset import advise as advice_on
    from dlcv_plugins.advice.dataset_rules import RULES
    from dlcv_plugins.commands.data.advise import facts_of

    # What the images show is not known here.
    topics = {"strategy": "strategy, for images of everyday things", "balance": "balance"}
    for one in advice_on(facts_of(data, similar=True), RULES):
        if topic := topics.get(one.topic):
            ladder.say("advice on %s: %s. Why: %s (%s)", topic, one.advice, one.reason, one.source)
