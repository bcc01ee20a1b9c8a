"""Many things to do, by many processes: of this machine, of several that share a folder, of a cluster."""
