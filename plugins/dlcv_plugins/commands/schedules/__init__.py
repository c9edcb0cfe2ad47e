"""`dlcv schedules`: the learning rate over the epochs."""
