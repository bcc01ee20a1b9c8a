"""Rivals that need no diffusion model: what a generator must beat before anybody should train one.

``pca``: a Gaussian in the principal components of each class's latents. ``prior``: the autoencoder's own standard
normal prior, decoded. ``deformation``: training scans of the class, moved and bent at random.
"""
