"""The options that all stores of image files have."""

from typing import Any

from dlcv.interfaces import option


def color_mode_option() -> Any:
    """Declares how many channels images are read with: `rgb`, or `grayscale`."""
    return option("rgb", help="rgb for three channels, grayscale for one")


def bit_depth_option() -> Any:
    """Declares how samples of 16 bits become bytes, from 8 to 16 bits; None for all 16."""
    return option(
        None,
        help="bits that 16-bit samples use, such as 12; stretch for each image's own range; all 16 "
        "if left out",
        ge=8,
        le=16,
    )
