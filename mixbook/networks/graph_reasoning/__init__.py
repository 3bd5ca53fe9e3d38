from mixbook.networks.graph_reasoning.extraction import *
