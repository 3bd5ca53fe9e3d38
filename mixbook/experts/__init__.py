"""Part III, Mixtures of experts: one module a paper."""
