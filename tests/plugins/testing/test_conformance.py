"""Each check of `dlcv.testing` fails for a plugin that breaks what it checks.

This module imports no Keras and no scikit-learn, since its plugins are checked for that.
"""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from dlcv.errors import DlcvError
from dlcv.interfaces import (
    Architecture,
    Check,
    Classifier,
    Curves,
    DatasetStore,
    Evaluation,
    Evaluator,
    Finding,
    LabelledImages,
    Links,
    Matrix,
    Paragraph,
    Preprocessor,
    Sample,
    Schedule,
    Section,
    SectionContent,
    Table,
    evolve,
    flatten,
    option,
    plugin,
    softmax_layer,
    stack,
    state,
)
from dlcv.testing import check_plugin, checks_for

CALLS = itertools.count()


def failures(made):
    """Returns the names of the checks that a plugin fails."""
    failed = set()
    for check in checks_for(made):
        try:
            check(made)
        except Exception:
            failed.add(check.__name__.removeprefix("check_"))
    return failed


@plugin
class Step(Preprocessor):
    """Does nothing to images."""

    def __call__(self, images, rng=None):
        return images


def test_listing_the_checks_imports_no_keras():
    code = (
        "import sys; from dlcv.testing import checks_for; from dlcv import registry;"
        "checks_for(registry.get('architecture', 'lenet')); print('keras' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert printed.split() == [b"False"]


def test_check_plugin_names_every_check_that_fails():
    @plugin
    class Shouting(Step):
        """shouts"""

        volume: int = option(1, help="")

    with pytest.raises(AssertionError) as caught:
        check_plugin(Shouting())
    first, *others = str(caught.value).splitlines()
    assert "Shouting(volume=1) fails" in first
    assert [line.partition(":")[0] for line in others] == [
        "check_summary_is_a_sentence",
        "check_options_are_documented",
    ]


def test_check_plugin_names_a_check_in_which_the_plugin_raises():
    @plugin
    class Faulty(Step):
        """Divides by zero."""

        def __call__(self, images, rng=None):
            return 1 / 0

    with pytest.raises(AssertionError, match="check_pixels_stay_bytes: ZeroDivisionError"):
        check_plugin(Faulty())


class TestCommon:
    def test_good_plugin_passes(self):
        assert failures(Step()) == set()

    def test_summary_must_be_the_class_s_own(self):
        @plugin
        class Silent(Step):
            pass

        assert "summary_is_a_sentence" in failures(Silent())

    def test_summary_must_be_short(self):
        @plugin
        class Verbose(Step):
            __doc__ = "Does nothing, " * 10 + "and says so."

        assert failures(Verbose()) == {"summary_is_a_sentence"}

    def test_help_must_be_a_phrase(self):
        @plugin
        class Formal(Step):
            """Has help with a full stop."""

            size: int = option(1, help="The size.")

        assert failures(Formal()) == {"options_are_documented"}

    def test_module_must_not_import_scikit_learn(self, tmp_path, monkeypatch):
        (tmp_path / "heavy_module.py").write_text(
            "import sklearn\n"
            "from dlcv.interfaces import Schedule, plugin\n"
            "@plugin\n"
            "class Heavy(Schedule):\n"
            "    '''Comes from a module that takes long to import.'''\n"
            "    def learning_rate(self, epoch, epochs, initial):\n"
            "        return initial\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        from heavy_module import Heavy

        assert failures(Heavy()) == {"import_is_light"}

    def test_making_must_not_read_files(self):
        @plugin
        class Eager(Step):
            """Reads a file when it is made."""

            path: str = option(__file__, help="the file")

            def __attrs_post_init__(self):
                with open(self.path) as file:
                    file.read(1)

        assert failures(Eager()) == {"construction_only_stores_options"}

    def test_making_must_not_import_keras(self):
        @plugin
        class Heavy(Step):
            """Imports Keras when it is made."""

            def __attrs_post_init__(self):
                import keras.layers  # noqa: F401

        assert failures(Heavy()) == {"construction_only_stores_options"}
        assert sys.modules["keras.layers"] is not None

    def test_making_must_keep_options_as_they_are(self):
        @plugin
        class Growing(Step):
            """Makes its size larger."""

            size: int = option(3, help="pixels")

            def __attrs_post_init__(self):
                object.__setattr__(self, "size", self.size + 1)

        assert "construction_only_stores_options" in failures(Growing())

    def test_equality_must_be_by_options(self):
        @plugin
        class Unique(Step):
            """Is like no other."""

            def __eq__(self, other):
                return self is other

            __hash__ = object.__hash__

        assert "equal_options_make_equal_plugins" in failures(Unique())

    def test_hash_must_be_by_options(self):
        @plugin
        class Odd(Step):
            """Is equal to others of another hash."""

            def __eq__(self, other):
                return isinstance(other, Odd)

            __hash__ = object.__hash__

        assert failures(Odd()) == {"equal_options_make_equal_plugins"}

    def test_options_must_survive_being_written(self):
        @plugin
        class Boastful(Step):
            """Tells another size than it has."""

            size: int = option(3, help="pixels")

            def options(self):
                return {"size": self.size + 1}

        assert "spec_parses_back" in failures(Boastful())


def call(function, **declared):
    """Returns a step that does what `function(images, rng)` does."""

    @plugin
    class Called(Step):
        """Does what a test wants."""

        def __call__(self, images, rng=None):
            return function(images, rng)

    for name, value in declared.items():
        setattr(Called, name, value)
    return Called()


class TestPixelSteps:
    def test_batch_must_keep_its_length(self):
        assert "batch_keeps_its_length" in failures(call(lambda images, rng: images[1:]))

    def test_batch_must_keep_its_length_in_training(self):
        broken = call(lambda images, rng: images if rng is None else images[1:])
        assert "batch_keeps_its_length" in failures(broken)

    def test_input_must_not_be_modified(self):
        def darken(images, rng):
            for image in images:
                image //= 2
            return images

        assert "input_is_not_modified" in failures(call(darken))

    def test_randomness_must_come_from_rng(self):
        def noisy(images, rng):
            rng = np.random.default_rng()
            return stack([i + rng.integers(2, size=i.shape, dtype=np.uint8) for i in images])

        assert failures(call(noisy)) == {
            "same_randomness_same_result",
            "result_is_fixed_without_randomness",
            "list_gives_what_array_gives",
            "several_threads_may_call_it",
            "state_is_restored",
        }

    def test_what_is_learned_must_be_state(self):
        @plugin
        class Forgetful(Step):
            """Keeps what it learned where nothing is stored."""

            learned: int = state()

            def prepare(self, context):
                made = type(self)()
                object.__setattr__(made, "known", sum(len(b) for b in context.training_batches()))
                return made

            def __call__(self, images, rng=None):
                return stack([i // getattr(self, "known", 1) for i in images])

        assert failures(Forgetful()) == {"state_is_restored"}

    def test_what_is_learned_must_be_complete(self):
        @plugin
        class Helpless(Step):
            """Refuses to work when it has not learned."""

            def prepare(self, context):
                made = type(self)()
                object.__setattr__(made, "known", True)
                return made

            def __call__(self, images, rng=None):
                if not hasattr(self, "known"):
                    raise DlcvError("call prepare first")
                return images

        assert failures(Helpless()) == {"state_is_restored"}

    def test_pixels_must_stay_bytes(self):
        broken = call(lambda images, rng: stack([i / np.float32(255) for i in images]))
        assert failures(broken) == {"pixels_stay_bytes"}

    def test_images_must_keep_their_channel_axis(self):
        broken = call(lambda images, rng: stack([i[..., 0] for i in images]))
        assert "pixels_stay_bytes" in failures(broken)

    def test_views_must_be_told(self):
        broken = call(lambda images, rng: stack([np.stack([i, i]) for i in images]))
        assert failures(broken) == {"views_are_as_many_as_told"}

    @pytest.mark.parametrize("count", [1, 3])
    def test_views_must_be_as_many_as_told(self, count):
        broken = call(lambda images, rng: stack([np.stack([i] * count) for i in images]), views=2)
        assert failures(broken) == {"views_are_as_many_as_told"}

    def test_views_must_have_an_axis_of_their_own(self):
        broken = call(lambda images, rng: images, views=2)
        assert failures(broken) == {"views_are_as_many_as_told"}

    def test_views_must_all_be_bytes(self):
        broken = call(lambda images, rng: stack([np.stack([i / 2, i]) for i in images]), views=2)
        assert failures(broken) == {"pixels_stay_bytes"}

    def test_views_that_are_told_are_fine(self):
        good = call(lambda images, rng: stack([np.stack([i, i]) for i in images]), views=2)
        assert failures(good) == set()

    def test_lists_and_arrays_must_be_treated_alike(self):
        broken = call(lambda images, rng: images if isinstance(images, list) else 255 - images)
        assert failures(broken) == {"list_gives_what_array_gives"}

    def test_images_of_many_sizes_must_all_come_out(self):
        def same_size(images, rng):
            return stack([i for i in images if i.shape == images[0].shape])

        assert failures(call(same_size)) == {"images_of_many_sizes"}

    def test_images_of_one_size_must_come_as_an_array(self):
        broken = call(lambda images, rng: [i[:8, :8] for i in images])
        assert "images_of_many_sizes" in failures(broken)

    def test_output_shape_must_be_true(self):
        broken = call(lambda images, rng: stack([i[:8, :8] for i in images]))
        assert failures(broken) == {"output_shape_is_true", "grey_images_are_processed_or_refused"}

    def test_output_shape_must_be_true_in_training(self):
        broken = call(lambda images, rng: images if rng is None else stack([i[1:] for i in images]))
        assert "output_shape_is_true" in failures(broken)

    def test_grey_images_must_not_end_in_a_foreign_error(self):
        broken = call(lambda images, rng: stack([i[..., [2, 1, 0]] for i in images]))
        assert failures(broken) == {"grey_images_are_processed_or_refused"}

    def test_grey_images_may_be_refused(self):
        def swap(images, rng):
            if images[0].shape[2] == 1:
                raise DlcvError("swap: needs colour")
            return stack([i[..., [2, 1, 0]] for i in images])

        assert failures(call(swap)) == set()

    def test_open_sizes_are_filled_in(self):
        seen = []

        @plugin
        class Crop(Step):
            """Crops to a size."""

            size: tuple[int, int] | None = option(None, help="height and width")

            def with_output_size(self, size):
                return evolve(self, size=size) if self.size is None else self

            def output_shape(self, shape):
                return (*self.size, shape[2]) if self.size else shape

            def __call__(self, images, rng=None):
                seen.append(self.size)
                return stack([i[: self.size[0], : self.size[1]] for i in images])

        assert failures(Crop()) == set()
        assert failures(Crop(size=(90, 70))) == set()
        assert len(set(seen)) == 2


class TestMixing:
    def mixer(self, function):
        return call(lambda images, rng: images, mix=lambda self, *given: function(*given))

    def test_good_mixing_passes(self):
        def mix(images, labels, rng):
            return images, 0.5 * labels + 0.5 * labels[rng.permutation(len(labels))]

        assert failures(self.mixer(mix)) == set()

    @pytest.mark.parametrize(
        "mix",
        [
            lambda images, labels, rng: (images[1:], labels),
            lambda images, labels, rng: (images / 2, labels),
            lambda images, labels, rng: (images, labels[1:]),
            lambda images, labels, rng: (images, labels / 2),
            # Stands for randomness of its own: no two calls give the same.
            lambda images, labels, rng: (images, np.roll(labels, next(CALLS), 0)),
        ],
        ids=[
            "fewer images",
            "float images",
            "fewer labels",
            "lost shares",
            "randomness of its own",
        ],
    )
    def test_bad_mixing_fails(self, mix):
        assert failures(self.mixer(mix)) == {"mixing_keeps_shapes_and_shares"}


class TestValueSteps:
    def step(self, function, layer):
        return call(lambda images, rng: function(np.asarray(images)), as_layer=lambda self: layer())

    def test_good_value_step_passes(self):
        assert failures(self.step(lambda x: x.astype(np.float32) / 2, rescaling(1 / 2))) == set()

    def test_values_must_be_float32(self):
        assert failures(self.step(lambda x: x / 2, rescaling(1 / 2))) == {"values_are_float32"}

    def test_shape_must_stay(self):
        broken = self.step(lambda x: x[..., :1].astype(np.float32), rescaling(1))
        assert "values_are_float32" in failures(broken)

    def test_layer_must_compute_what_the_step_computes(self):
        broken = self.step(lambda x: x.astype(np.float32) / 2, rescaling(1 / 3))
        assert failures(broken) == {"layer_computes_the_same"}

    def test_layer_must_give_float32(self):
        broken = self.step(lambda x: x.astype(np.float32), rescaling(1, "float16"))
        assert failures(broken) == {"layer_computes_the_same"}


def rescaling(factor, dtype="float32"):
    """Returns what makes a layer that multiplies."""

    def make():
        from keras import layers

        return layers.Rescaling(factor, dtype=dtype)

    return make


class Rows(LabelledImages):
    """Six images in memory, the last of another size."""

    label_names = ("cat", "dog")
    image_shape = (None, None, 3)

    def __init__(self, split):
        self.labels = np.array([0, 1, 0, 1, 0, 1])
        rng = np.random.default_rng(0)
        sizes = [(4, 5, 3)] * 5 + [(6, 5, 3)]
        self.rows = [rng.integers(0, 256, size, np.uint8) for size in sizes]

    def read(self, indices):
        return stack([self.rows[i] for i in indices])

    def sample_id(self, index):
        return f"row {index}"

    def fingerprint(self):
        return "six rows"


@plugin
class Store(DatasetStore):
    """Holds six images."""

    def splits(self):
        return ("train", "test")

    def open(self, split):
        if split not in self.splits():
            raise DlcvError(f"no split {split}")
        return Rows(split)


def store(rows=Rows, **declared):
    """Returns a store of `rows(split)`, or with something else of its own."""

    @plugin
    class Changed(Store):
        """Holds what a test wants."""

        def open(self, split):
            super().open(split)
            return rows(split)

    for name, value in declared.items():
        setattr(Changed, name, value)
    return Changed()


def rows(**declared):
    """Returns a class like `Rows` with something changed."""
    return type("ChangedRows", (Rows,), declared)


class TestStores:
    def test_good_store_passes(self):
        assert failures(Store()) == set()

    @pytest.mark.parametrize("splits", [("all", "test"), ("test",), ("train", "extra"), ()])
    def test_splits_must_be_known(self, splits):
        assert "splits_are_known_names" in failures(store(splits=lambda self: splits))

    def test_splits_must_be_named_once(self):
        broken = store(splits=lambda self: ("train", "train"))
        assert failures(broken) == {"splits_are_known_names"}

    @pytest.mark.parametrize("error", [None, KeyError])
    def test_unknown_split_must_be_refused(self, error):
        def open_any(self, split):
            if error and split not in self.splits():
                raise error(split)
            return Rows(split)

        assert failures(store(open=open_any)) == {"unknown_split_is_refused"}

    @pytest.mark.parametrize(
        "changed",
        [
            {"label_names": ["cat", "dog"]},
            {"label_names": ("cat", "cat")},
            {"label_names": ("cat",)},
            {"__len__": lambda self: 5},
        ],
    )
    def test_labels_must_fit(self, changed):
        assert "labels_fit_their_names" in failures(store(rows(**changed)))

    def test_labels_must_be_int64(self):
        class Small(Rows):
            def __init__(self, split):
                super().__init__(split)
                self.labels = self.labels.astype(np.int32)

        assert failures(store(Small)) == {"labels_fit_their_names"}

    def test_splits_must_have_the_same_label_names(self):
        class Swapped(Rows):
            def __init__(self, split):
                super().__init__(split)
                self.label_names = ("cat", "dog") if split == "train" else ("dog", "cat")

        assert failures(store(Swapped)) == {"labels_fit_their_names"}

    @pytest.mark.parametrize("told", [(4, 5, 3), (None, None, 1), (None, None)])
    def test_shape_must_be_true(self, told):
        broken = store(rows(image_shape=told))
        assert failures(broken) == {"images_have_the_shape_that_is_told"}

    def test_images_must_be_bytes(self):
        def read(self, indices):
            return [self.rows[i].astype(np.float32) for i in indices]

        assert failures(store(rows(read=read))) == {"images_have_the_shape_that_is_told"}

    def test_order_must_be_the_one_asked_for(self):
        broken = rows(read=lambda self, indices: stack([self.rows[i] for i in sorted(indices)]))
        assert failures(store(broken)) == {"images_are_read_in_any_order"}

    def test_reading_must_be_safe_in_threads(self):
        import time

        def read(self, indices):
            images = []
            for self.at in indices:
                time.sleep(1e-4)
                images.append(self.rows[self.at])
            return stack(images)

        assert failures(store(rows(read=read))) == {"images_are_read_by_several_threads"}

    @pytest.mark.parametrize("sample_id", [lambda self, i: "row", lambda self, i: i])
    def test_sample_ids_must_be_distinct_texts(self, sample_id):
        assert failures(store(rows(sample_id=sample_id))) == {"sample_ids_are_distinct"}

    def test_fingerprint_must_be_stable(self):
        broken = rows(fingerprint=lambda self: str(id(object())) + str(np.random.rand()))
        assert failures(store(broken)) == {"fingerprint_is_stable"}


@plugin
class Network(Architecture):
    """Is as small as a network can be."""

    default_size = (6, 8)

    def features(self, x):
        from keras import layers

        return layers.AveragePooling2D(2, name="pool")(x)


def network(**declared):
    """Returns a network with something changed."""

    @plugin
    class Changed(Network):
        """Is what a test wants."""

    for name, value in declared.items():
        setattr(Changed, name, value)
    return Changed()


def ending(**options):
    """Returns a `classify` whose last layer has other options."""

    def classify(self, x, classes):
        from keras import layers

        given = {"activation": "softmax", "dtype": "float32", "name": "predictions", **options}
        return layers.Dense(given.pop("units", classes), **given)(flatten(x))

    return classify


class TestArchitectures:
    def test_good_network_passes(self):
        assert failures(Network()) == set()

    @pytest.mark.parametrize("text", ["aspect_aware(size=8), scale", "scael", "scale(factor=-1)"])
    def test_preprocessors_must_be_value_steps(self, text):
        assert failures(network(preprocessors=text)) == {"preprocessors_are_value_steps"}

    def test_network_may_want_no_preprocessors(self):
        assert failures(network(preprocessors="")) == set()

    def test_output_must_have_a_column_a_class(self):
        assert "output_is_probabilities" in failures(network(classify=ending(units=5)))

    def test_output_must_be_probabilities(self):
        assert failures(network(classify=ending(activation=None))) == {"output_is_probabilities"}

    def test_output_must_be_float32(self):
        broken = network(classify=ending(dtype="float16"))
        assert "output_is_probabilities" in failures(broken)

    def test_output_must_be_float32_in_mixed_precision(self):
        broken = network(classify=ending(dtype=None))
        assert failures(broken) == {"output_stays_float32_in_mixed_precision"}

    def test_grey_images_must_be_taken(self):
        def features(self, x):
            from keras import ops

            return ops.stack([x[..., 2], x[..., 0]], axis=-1)

        with pytest.raises(AssertionError, match="check_grey_images_are_taken"):
            check_plugin(network(features=features))

    def test_layers_must_have_names(self):
        def features(self, x):
            from keras import layers

            return layers.Conv2D(4, 3)(x)

        assert "layer_names_are_systematic" in failures(network(features=features))

    def test_body_must_be_part_of_the_network(self):
        def body(self, input_shape):
            import keras

            inputs = keras.Input(input_shape, name="images")
            return keras.Model(inputs, keras.layers.ReLU(name="other")(inputs))

        assert failures(network(body=body)) == {"body_ends_before_the_classifier"}

    def test_body_must_not_hold_the_classifier(self):
        def features(self, x):
            return softmax_layer(7)(flatten(x))

        broken = network(features=features, classify=lambda self, x, classes: x)
        assert failures(broken) == {"body_ends_before_the_classifier"}

    def test_features_must_have_a_known_shape(self):
        class Unknown:
            def __init__(self, model):
                self.layers = model.layers
                self.output = type("Output", (), {"shape": (None, None, 3)})

        def body(self, input_shape):
            return Unknown(Network.body(self, input_shape))

        assert failures(network(body=body)) == {"body_ends_before_the_classifier"}


@plugin
class Falling(Schedule):
    """Falls to zero."""

    def learning_rate(self, epoch, epochs, initial):
        return initial * (1 - epoch / epochs)


def schedule(**declared):
    """Returns a schedule with something changed."""

    @plugin
    class Changed(Falling):
        """Is what a test wants."""

    for name, value in declared.items():
        setattr(Changed, name, value)
    return Changed()


class TestSchedules:
    def test_good_schedule_passes(self):
        assert failures(Falling()) == set()

    @pytest.mark.parametrize(
        "rate",
        [
            lambda self, epoch, epochs, initial: float("nan"),
            lambda self, epoch, epochs, initial: initial * (0.5 - epoch / epochs),
            lambda self, epoch, epochs, initial: initial if epoch < epochs else -initial,
            lambda self, epoch, epochs, initial: initial if epoch < epochs else float("inf"),
        ],
        ids=["nan", "negative", "negative at the end", "infinite at the end"],
    )
    def test_rates_must_be_usable(self, rate):
        assert "rates_are_usable" in failures(schedule(learning_rate=rate))

    def test_every_step_must_have_a_rate(self):
        def rates(self, epochs, steps_per_epoch, initial):
            return np.full(epochs, initial, np.float32)

        assert "rates_are_usable" in failures(schedule(rates=rates))

    def test_first_rate_must_not_exceed_the_initial_one(self):
        broken = schedule(learning_rate=lambda self, epoch, epochs, initial: 2 * initial)
        assert failures(broken) == {"first_rate_is_at_most_the_initial_one"}

    def test_warm_up_must_not_be_lost(self):
        def rates(self, epochs, steps_per_epoch, initial):
            return evolve_to_falling(self).rates(epochs, steps_per_epoch, initial)

        def evolve_to_falling(self):
            return Falling(by=self.by)

        assert failures(schedule(rates=rates)) == {"warm_up_rises_to_the_schedule"}

    def test_rates_by_epoch_must_stay_within_an_epoch(self):
        def rates(self, epochs, steps_per_epoch, initial):
            return Falling(warmup=self.warmup).rates(epochs, steps_per_epoch, initial)

        assert "rates_by_epoch_stay_within_an_epoch" in failures(schedule(rates=rates))


def evaluator(function):
    """Returns an evaluator that does what `function(predictions)` does."""

    @plugin
    class Called(Evaluator):
        """Does what a test wants."""

        def evaluate(self, predictions):
            return function(predictions)

    return Called()


class TestEvaluators:
    def test_good_evaluator_passes(self):
        def evaluate(predictions):
            table = Table("Counts", ("class", "n"), (("cat", 3),))
            drawings = {
                "curve": Curves("Curve", "x", "y", {"a": np.zeros((3, 2))}),
                "matrix": Matrix("Matrix", "true", "predicted", ("a", "b"), np.eye(2)),
            }
            intervals = {"mean": (0.4, 0.6)}
            return Evaluation({"mean": 0.5}, {"counts": table}, drawings, intervals)

        assert failures(evaluator(evaluate)) == set()

    def test_some_predictions_may_be_refused_but_not_all(self):
        def evaluate(predictions, members=2):
            if len(predictions.probabilities) < members:
                raise DlcvError("needs more members")
            return Evaluation({"mean": 0.5})

        assert failures(evaluator(evaluate)) == set()
        assert failures(evaluator(lambda p: evaluate(p, members=100)))

    def test_predictions_must_stay_unchanged(self):
        def evaluate(predictions):
            predictions.probabilities.sort(axis=2)
            return Evaluation({"mean": float(predictions.combined.mean())})

        assert failures(evaluator(evaluate)) == {"predictions_stay_unchanged"}

    def test_figures_must_not_be_random(self):
        broken = evaluator(lambda p: Evaluation({"luck": float(np.random.default_rng().random())}))
        assert failures(broken) == {
            "same_predictions_same_figures",
            "order_of_samples_changes_no_figure",
        }

    @pytest.mark.parametrize("value", [float("nan"), np.float32(1), "high", True])
    def test_metrics_must_be_finite_numbers(self, value):
        broken = evaluator(lambda p: Evaluation({"metric": value}))
        assert "metrics_are_finite_numbers" in failures(broken)

    @pytest.mark.parametrize("row", [(1, np.int64(2)), (1, float("nan")), (1,)])
    def test_tables_must_fit_json(self, row):
        table = Table("Counts", ("class", "n"), (row,))
        broken = evaluator(lambda p: Evaluation({}, {"counts": table}))
        assert failures(broken) == {"tables_fit_json"}

    @pytest.mark.parametrize(
        "drawing",
        [
            Curves("Curve", "x", "y", {"a": np.zeros(3)}),
            Curves("Curve", "x", "y", {"a": np.full((3, 2), "x")}),
            Matrix("Matrix", "true", "predicted", ("a", "b"), np.eye(3)),
        ],
    )
    def test_drawings_must_fit_their_form(self, drawing):
        broken = evaluator(lambda p: Evaluation({}, drawings={"drawing": drawing}))
        assert failures(broken) == {"drawings_can_be_drawn"}

    @pytest.mark.parametrize("interval", [{"mean": (0.6, 0.7)}, {"other": (0.0, 1.0)}])
    def test_intervals_must_hold_their_metrics(self, interval):
        broken = evaluator(lambda p: Evaluation({"mean": 0.5}, intervals=interval))
        assert failures(broken) == {"intervals_hold_their_metrics"}


def classifier(make):
    """Returns a classifier whose estimators `make()` makes."""

    @plugin
    class Called(Classifier):
        """Does what a test wants."""

        def estimator(self):
            return make()

    return Called()


class TestClassifiers:
    def test_good_classifier_passes(self):
        def make():
            from sklearn.linear_model import LogisticRegression

            return LogisticRegression()

        assert failures(classifier(make)) == set()

    def test_estimators_must_be_fresh(self):
        from sklearn.linear_model import LogisticRegression

        shared = LogisticRegression()
        assert failures(classifier(lambda: shared)) == {"estimators_are_fresh"}

    def test_estimators_must_learn(self):
        def make():
            from sklearn.dummy import DummyClassifier

            return DummyClassifier()

        assert failures(classifier(make)) == {"estimator_gives_probabilities"}


def dataset_check(findings):
    """Returns a check of data sets whose findings are `findings(facts)`."""

    @plugin
    class Called(Check):
        """Does what a test wants."""

        def findings(self, facts):
            return findings(facts)

    return Called()


def finding(id="blurry", severity="note", sentence="some are blurry", advice="remove them", **more):
    return Finding(id, severity, sentence, advice, **more)


class TestDatasetChecks:
    def test_good_check_passes(self):
        def findings(facts):
            samples = [image.sample.with_detail("why") for image in facts.images]
            samples += [Sample(path) for path in facts.other_files]
            groups = tuple((sample,) for sample in samples)
            return [finding(groups=groups)] if groups else []

        assert failures(dataset_check(findings)) == set()

    def test_facts_may_be_empty_or_tiny(self):
        def nothing(value):
            return []

        broken = {
            "no split": lambda facts: nothing(next(iter(facts.splits))),
            "no image": lambda facts: nothing(facts.images[0]),
            "no class": lambda facts: nothing(max(facts.training_counts.values())),
            "unreadable": lambda facts: nothing([i.pixels.height for i in facts.images]),
            "no list": lambda facts: finding() if len(facts.images) < 2 else [],
        }
        for name, findings in broken.items():
            failed = failures(dataset_check(findings))
            assert "empty_and_tiny_facts_are_accepted" in failed, name

    def test_facts_must_stay_unchanged(self):
        def sort(facts):
            for split in facts.splits.values():
                split.labels[::-1].sort()
            return []

        def remove(facts):
            facts.splits.pop("train", None)
            return []

        for findings in (sort, remove):
            assert failures(dataset_check(findings)) == {"facts_stay_unchanged"}

    def test_findings_must_not_be_random(self):
        broken = dataset_check(lambda facts: [finding(sentence=f"call {next(CALLS)} was made")])
        assert failures(broken) == {"same_facts_same_findings"}

    def test_severity_must_be_known(self):
        broken = dataset_check(lambda facts: [finding(severity="fatal")])
        assert failures(broken) == {"severities_are_known"}

    @pytest.mark.parametrize("id", ["Blurry", "blurry images", "", "blurry_images"])
    def test_id_must_be_words_with_hyphens(self, id):
        broken = dataset_check(lambda facts: [finding(id)])
        assert failures(broken) == {"ids_are_words_and_unique"}

    def test_id_must_be_unique(self):
        broken = dataset_check(lambda facts: [finding(), finding(sentence="others are, too")])
        assert failures(broken) == {"ids_are_words_and_unique"}

    def test_id_must_not_hold_names_of_the_data(self):
        def findings(facts):
            names = sorted(facts.training_counts)
            return [finding(f"few-{name}") for name in names if name.islower()]

        assert failures(dataset_check(findings)) == {"ids_do_not_depend_on_names"}

    @pytest.mark.parametrize("text", ["", "Blurry", "it is blurry.", " it is", "it is\nblurry"])
    @pytest.mark.parametrize("name", ["sentence", "advice"])
    def test_sentence_and_advice_must_be_phrases(self, name, text):
        broken = dataset_check(lambda facts: [finding(**{name: text})])
        assert failures(broken) == {"sentences_and_advice_are_phrases"}

    @pytest.mark.parametrize(
        "groups",
        [((),), ((Sample("nowhere.jpg"),),), ((Sample("a", "train", "cat", 0),),)],
    )
    def test_samples_must_be_of_the_facts(self, groups):
        broken = dataset_check(lambda facts: [finding(groups=groups)])
        assert failures(broken) == {"samples_are_of_the_facts"}


@plugin
class Greeting(Section):
    """Greets the run."""

    def render(self, run):
        return SectionContent("Greeting", (Paragraph(f"<b>hello</b> {run.name}"),))


class TestSections:
    def test_good_plugin_passes(self):
        assert failures(Greeting()) == set()

    def test_nothing_to_show_passes(self):
        @plugin
        class Nothing(Section):
            """Shows nothing."""

            def render(self, run):
                return None

        assert failures(Nothing()) == set()

    @pytest.mark.parametrize(
        "content",
        [
            "<p>hello</p>",
            SectionContent("", ("<p>hello</p>",)),
            SectionContent("", (Links((("click", "javascript:alert(1)"),)),)),
        ],
        ids=["text", "HTML", "script"],
    )
    def test_content_must_be_what_the_page_shows(self, content):
        @plugin
        class Wrong(Section):
            """Shows what no page shows."""

            def render(self, run):
                return content

        assert failures(Wrong()) == {"content_can_be_shown"}

    def test_content_must_be_the_same_each_time(self):
        @plugin
        class Counting(Section):
            """Counts how often it is shown."""

            def render(self, run):
                return SectionContent("", (Paragraph(str(next(CALLS))),))

        assert failures(Counting()) == {"same_run_same_content"}

    @pytest.mark.parametrize(
        "change",
        [
            lambda run: run.environment["data"].clear(),
            lambda run: run.results.update(split="val"),
            lambda run: run.predictions.probabilities.sort(axis=-1),
            lambda run: run.predictions.labels.fill(0),
        ],
        ids=["environment", "results", "probabilities", "labels"],
    )
    def test_run_must_stay_as_it_is(self, change):
        @plugin
        class Changing(Section):
            """Changes the run that it is given."""

            def render(self, run):
                change(run)
                return

        assert failures(Changing()) == {"same_run_same_content"}

    @pytest.mark.parametrize(
        ("attribute", "what"), [("trained_row", "a fitted classifier"), ("members", "an ensemble")]
    )
    def test_every_kind_of_run_can_be_shown(self, attribute, what):
        @plugin
        class Narrow(Section):
            """Can show some runs only."""

            def render(self, run):
                if attribute == "members" and run.members:
                    raise ValueError("several members")
                if attribute == "trained_row" and not run.histories:
                    raise ValueError("no epochs")
                return

        assert failures(Narrow()) == {"content_can_be_shown", "same_run_same_content"}
        with pytest.raises(AssertionError, match=f"fails for {what}"):
            check_plugin(Narrow())
