"""One page of a log and its models: pictures with their tables, readable without scripts and network."""
