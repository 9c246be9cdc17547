"""Evidence for and against an event, by counting what stood around it."""
