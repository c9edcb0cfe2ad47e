"""`dlcv compare`: runs side by side."""
