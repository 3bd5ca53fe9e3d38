"""Part VIII, Graph learning: one module a paper."""
