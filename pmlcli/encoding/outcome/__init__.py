"""How a case ended: rules, labels, and columns that give the answer away."""
