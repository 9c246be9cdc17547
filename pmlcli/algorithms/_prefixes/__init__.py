"""What the predictive tasks share: requests, prefixes, explanations; knows no learner."""
