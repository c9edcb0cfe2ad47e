"""`dlcv auto`: the best model that some minutes allow."""
