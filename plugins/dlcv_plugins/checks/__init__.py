"""A doctor for data sets: facts about every image, and what they mean for a training."""
