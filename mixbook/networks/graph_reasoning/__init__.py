from mixbook.networks.graph_reasoning.extraction import *
from mixbook.networks.graph_reasoning.building import *
from mixbook.networks.graph_reasoning.merging import *
from mixbook.networks.graph_reasoning.embedding import *
from mixbook.networks.graph_reasoning.measures import *
from mixbook.networks.graph_reasoning.powerlaw import *
