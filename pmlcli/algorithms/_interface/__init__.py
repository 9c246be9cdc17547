"""What every algorithm is: its base, its parameters, the form of its answers, its members."""
