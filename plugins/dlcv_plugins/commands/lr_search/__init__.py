"""`dlcv lr-search`: the learning rate of a run."""
