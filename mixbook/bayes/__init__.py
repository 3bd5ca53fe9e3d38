"""Part VI, Bayesian inference and infinite networks: one module a paper."""
