"""`dlcv finetune`: a trained body, a new head, two stages."""
