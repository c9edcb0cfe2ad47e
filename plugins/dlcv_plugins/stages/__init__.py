"""What makes a stage of training quicker or better, beside its gradient descent."""
