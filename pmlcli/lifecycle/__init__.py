"""Train and predict, in the same order of steps for every algorithm."""
