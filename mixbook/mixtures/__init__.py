"""Part I, Mixtures and clustering: one module a paper."""
