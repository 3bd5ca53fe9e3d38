"""Part VII, Landscapes and architecture search: one module a paper."""
