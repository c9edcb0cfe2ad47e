"""Wrong settings of a stage show before the images are read, which may take minutes."""

import pytest

import dlcv
from dlcv.errors import DlcvError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "sdg"}, 'unknown optimizer "sdg" at column 1 of "sdg"; did you mean "sgd"'),
        ({"optimizer": "sgd(momentm=1)"}, 'sgd has no option "momentm"'),
        ({"learning_rate": -1.0}, "learning_rate: expected a number > 0, received -1.0"),
        ({"loss": "foo"}, 'unknown loss "foo"'),
        ({"initial_weights": "w.keras"}, "no such file or run with weights: w.keras"),
        ({"architecture": "lenett"}, 'unknown architecture "lenett"'),
    ],
)
def test_wrong_settings_are_named_although_an_image_is_damaged(
    photos, tmp_path, options, message
) -> None:
    folder = photos(size=(16, 16))
    for image in folder.rglob("*.png"):
        image.write_bytes(image.read_bytes()[:60])

    with pytest.raises(DlcvError) as caught:
        dlcv.run(
            data=str(folder), preprocessors="mean", runs=tmp_path / "runs",
            **{"architecture": "lenet", **options},
        )  # fmt: skip

    assert message in str(caught.value)
    assert not (tmp_path / "runs").exists()
