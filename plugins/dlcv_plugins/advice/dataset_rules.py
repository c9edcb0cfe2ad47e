"""The rules of `dlcv data advise`: what guides, books and courses advise, as a table."""

from dlcv.api import SPLIT_DEFAULTS
from dlcv_plugins.advice.dataset import ImageCounts
from dlcv_plugins.advice.division import FEWEST_TRAINING, FEWEST_VALIDATION, SMALL_TEST
from dlcv_plugins.advice.engine import Rule
from dlcv_plugins.advice.sources import GUIDE, LECTURE, MEASURED, rosebrock

TOO_FEW, SMALL, LARGE = 30, 300, 1000
"""Images a class: 30 to 300 are a small data set, over 1,000 a large one."""
FEW_CLASSES = 10
NEEDED = f"at least {FEWEST_TRAINING} training and {FEWEST_VALIDATION} validation images a class"
SIMILAR = "the pretrained network has seen such images"
DIFFERENT = "the pretrained network has not seen such images"
BEATS = (
    "on 720 photographs of twelve flowers, networks from scratch reached 11 to 81 %, this 95.8 %"
)


def always(facts: ImageCounts) -> bool:
    """Applies to every data set."""
    return True


def too_few(facts: ImageCounts) -> bool:
    """Fewer images a class than the guide calls a small data set."""
    return facts.typical < TOO_FEW


def small(facts: ImageCounts) -> bool:
    """A small data set."""
    return facts.typical < SMALL


def medium(facts: ImageCounts) -> bool:
    """Neither a small nor a large data set."""
    return SMALL <= facts.typical <= LARGE


def large(facts: ImageCounts) -> bool:
    """A large data set."""
    return facts.typical > LARGE


def similar(facts: ImageCounts) -> bool:
    """The images are like those that pretrained networks saw."""
    return bool(facts.similar)


def unbalanced(facts: ImageCounts) -> bool:
    """The largest class has over twice the images of the smallest."""
    return facts.most > 2 * facts.fewest


def few_to_validate(facts: ImageCounts) -> bool:
    """The data has a validation part, and too few of some class are in it."""
    return min(facts.validation.values(), default=FEWEST_VALIDATION) < FEWEST_VALIDATION


RULES: tuple[Rule[ImageCounts], ...] = (
    Rule(
        "strategy",
        lambda f: similar(f) and small(f),
        "a linear model on features of a pretrained network (dlcv transfer); fine-tune "
        "(dlcv finetune) for classes that are very similar",
        f"{SIMILAR}, and few images overfit more layers; {BEATS}",
        [GUIDE, rosebrock(8), MEASURED],
    ),
    Rule(
        "strategy",
        lambda f: similar(f) and medium(f),
        "a linear model on features of a pretrained network (dlcv transfer), then often "
        "fine-tune its last convolutional layers too (dlcv finetune)",
        f"{SIMILAR}, and there are 300 to 1,000 images a class",
        [GUIDE],
    ),
    Rule(
        "strategy",
        similar,
        "fine-tune the head and the last convolutional layers",
        f"{SIMILAR}, and over 1,000 images a class do not overfit them soon",
        [GUIDE, rosebrock(8)],
    ),
    Rule(
        "strategy",
        small,
        "a linear model on features from earlier layers (dlcv transfer --layer), or train a large "
        "part of the convolutional layers; better collect more images",
        f"{DIFFERENT}, so its deep layers fit badly, and few images make it risky to train them",
        [rosebrock(8), GUIDE],
    ),
    Rule(
        "strategy",
        medium,
        "compare what is advised for fewer images (a large part of the convolutional layers) and "
        "for more (fine-tune everything) on the validation images",
        f"{DIFFERENT}; for 300 to 1,000 images a class there is no rule",
        [GUIDE],
    ),
    Rule(
        "strategy",
        always,
        "fine-tune as the baseline, then compare with training everything from scratch",
        f"{DIFFERENT}, and over 1,000 images a class can train all layers",
        [rosebrock(8), GUIDE],
    ),
    Rule(
        "enough images",
        too_few,
        "no: collect more, with varied backgrounds",
        "about {typical} a class are very few; 30 to 300 are a small data set, and training from "
        "scratch needs 1,000 to 5,000",
        [GUIDE, rosebrock()],
    ),
    Rule(
        "enough images",
        lambda f: f.typical < LARGE,
        "to start from a pretrained network, yes; from scratch, expect less",
        "there are about {typical} a class; training from scratch needs 1,000 to 5,000",
        [GUIDE, rosebrock()],
    ),
    Rule(
        "enough images",
        always,
        "yes, also to train from scratch",
        "there are about {typical} a class; training from scratch needs 1,000 to 5,000",
        [GUIDE, rosebrock()],
    ),
    Rule(
        "balance",
        unbalanced,
        "collect more of {smallest}; judge by the figures of each class",
        "from {fewest} ({smallest}) to {most} images ({largest}); always guessing {largest} is "
        "right for {guess}",
        [GUIDE],
    ),
    Rule(
        "balance",
        always,
        "nothing to do",
        "{range} images a class; always guessing {largest} is right for {guess}",
        [GUIDE],
    ),
    Rule(
        "backgrounds",
        always,
        "as varied as those the network will meet, and alike for all classes",
        "a network may learn a class by the background that all its images share",
        [GUIDE],
    ),
    Rule(
        "validation",
        few_to_validate,
        "move more images to the validation part",
        f"of some class it has {{own}}; {NEEDED} are needed",
        [GUIDE],
    ),
    Rule(
        "validation",
        lambda f: bool(f.validation),
        "the part that the data has",
        f"of each class it has {{own}} or more; {NEEDED} are needed",
        [GUIDE],
    ),
    Rule(
        "validation",
        lambda f: f.shares is not None and f.shares[1] == SMALL_TEST,
        "a share of {share}, with a share of {test} for the test",
        f"that is {{validating}} of {{fewest}} for {{smallest}}, the smallest class; {NEEDED} are "
        "needed: 0.4 at about 40 a class, down to 0.1 at hundreds",
        [GUIDE],
        options={"--validation": "{share}", "--test": "{test}"},
    ),
    Rule(
        "validation",
        lambda f: f.shares is not None and f.shares[0] > SPLIT_DEFAULTS["validation"],
        "a share of {share} to compare settings by",
        f"that is {{validating}} of {{fewest}} for {{smallest}}, the smallest class; {NEEDED} are "
        "needed: 0.4 at about 40 a class, down to 0.1 at hundreds. The default of {default} gives "
        "it {usual}, enough to see overfitting",
        [GUIDE],
        options={"--validation": "{share}"},
    ),
    Rule(
        "validation",
        lambda f: f.shares is not None,
        "a share of {share}, the default",
        f"that is {{validating}} of {{fewest}} for {{smallest}}, the smallest class; {NEEDED} are "
        "needed: 0.4 at about 40 a class, down to 0.1 at hundreds",
        [GUIDE],
        options={"--validation": "{share}"},
    ),
    Rule(
        "validation",
        always,
        "no share is enough: collect more of {smallest}",
        f"there are {{fewest}}; {NEEDED} are needed, beside those for the test",
        [GUIDE],
    ),
    Rule(
        "first network",
        large,
        "a small pretrained one, such as efficientnet_lite0, or resnet18 or resnet34 with a file "
        "of weights; from scratch, minivggnet, then resnet",
        "the smallest network that works comes first; weights trained on scenes suit scenes "
        "better. On CIFAR-10, with 5,000 images a class, minivggnet and resnet reached 82 % and "
        "93.58 %",
        [GUIDE, rosebrock()],
        options={"--arch": "minivggnet"},
    ),
    Rule(
        "first network",
        always,
        "a small pretrained one, such as efficientnet_lite0, or resnet18 or resnet34 with a file "
        "of weights; minivggnet from scratch only to compare",
        "the smallest network that works comes first; weights trained on scenes suit scenes better",
        [GUIDE],
        options={"--arch": "minivggnet"},
    ),
    Rule(
        "classification layer",
        lambda f: small(f) and len(f.classes) < FEW_CLASSES,
        "256 units wide, or 132 or 512",
        "there are few images, and under 10 classes; a narrow layer takes fewer unknown things "
        "for known ones",
        [GUIDE],
    ),
    Rule(
        "classification layer",
        always,
        "1,024 units wide, or more",
        "132 to 512 are for few images and under 10 classes; here there are about {typical} "
        "a class, and {count} classes",
        [GUIDE],
    ),
    Rule(
        "batch size",
        lambda f: f.images <= 300,
        "16",
        "there are {images} images; 16 is for about 200",
        [GUIDE],
        options={"--batch-size": "16"},
    ),
    Rule(
        "batch size",
        lambda f: f.images < 1000,
        "32, or 64",
        "there are {images} images; 16 is for about 200, over 64 for thousands",
        [GUIDE],
        options={"--batch-size": "32"},
    ),
    Rule(
        "batch size",
        lambda f: f.images < 2000,
        "64, or 32",
        "there are {images} images; 16 is for about 200, over 64 for thousands",
        [GUIDE],
        options={"--batch-size": "64"},
    ),
    Rule(
        "batch size",
        always,
        "128",
        "there are {images} images, and for thousands it is over 64",
        [GUIDE],
        options={"--batch-size": "128"},
    ),
    Rule(
        "learning rate",
        always,
        "0.003 at first; to search, from 0.1 down to 0.0001",
        "train the classifier for at most 5 epochs, and divide by 10 while the loss does not fall "
        "steadily: the largest usable rate; to fine-tune, at most a tenth of it",
        [GUIDE],
        options={"--learning-rate": "0.003"},
    ),
    Rule(
        "epochs",
        always,
        "10 to 15 for a new head, then at most 5 to fine-tune; from scratch 50 to 100",
        "a head converges in so many; CIFAR-10 needs 50 to 100 from scratch",
        [GUIDE, rosebrock(11, 12)],
        options={"--epochs": "50"},
    ),
    Rule(
        "dropout",
        always,
        "0.5",
        "works mostly; less of it fits more, and overfits more",
        [GUIDE],
    ),
    Rule(
        "augmentation",
        always,
        "rotation of 10 to 30 degrees, shifts and zoom of 0.1 to 0.2, flips (flip, affine)",
        "the usual ranges, where they keep the label true; at least 20 % should be originals",
        [rosebrock(2), LECTURE, GUIDE],
        options={"--preproc": "affine, auto"},
    ),
    Rule(
        "not to augment",
        always,
        "by flips where side is the class (hands, arrows, letters), by color where color is (ripe "
        "fruit), by zoom where size is (coins, cells), by shear where shape is (squares, diamonds)",
        "an augmented image must keep its label",
        [GUIDE],
    ),
    Rule(
        "if it overfits",
        always,
        "more images, augmentation, a network that generalizes, dropout, a simpler network",
        "in this order; it shows when only the training loss goes on falling",
        [GUIDE],
    ),
)
"""Of the rules of one topic, the first that applies holds."""
