"""`dlcv recipes`, and how `--config` finds them."""
