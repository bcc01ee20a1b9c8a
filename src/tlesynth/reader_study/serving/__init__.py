"""The server of a reader study: it knows the items and the answers, and nothing of the truth."""
