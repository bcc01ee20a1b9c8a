"""How the autoencoder learns: the volumes of a step, the terms of its loss, the turns of its training."""
