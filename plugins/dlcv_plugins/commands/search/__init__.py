"""`dlcv search`: the settings of a run that validate best, found by trying some."""
