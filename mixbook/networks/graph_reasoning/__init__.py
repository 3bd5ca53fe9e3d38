"""Generative knowledge extraction, graph-based representation, and reasoning on the graph.

Paper: M. J. Buehler. *Accelerating Scientific Discovery with Generative Knowledge Extraction,
Graph-Based Representation, and Multimodal Intelligent Graph Reasoning*. Machine Learning: Science
and Technology 2024, arXiv 2403.11996.

Triples (term, relation, term) are read from the chunks of a corpus and become one graph. Nodes with
nearly equal embeddings are merged, the graph is measured, and paths between far concepts, or a
pattern found again in another graph, are the material for new ideas. The numbers are this module's:

====  =====================================================================================
(1)   weight of an edge = (4 for each triple) / 4
(2)   contextual proximity: chunks that two terms share, if two or more
(3)   TF-IDF of the 3- to 5-grams of characters in a name
(4)   node of a keyword: argmax cos(e(keyword), e(v))
(5)   synonyms: cos(e(u), e(v)) > threshold
(6)   sentence embedding: mean of the last layer over the tokens
(7)   of two synonyms, the node of higher degree is kept
(8)   average degree 2 m / n; density 2 m / (n (n - 1))
(9)   modularity Q = sum_c [L_c / m - (D_c / 2 m)^2]
(10)  betweenness: sum of s_ij(v) / s_ij over pairs, divided by their number
(11)  bridging coefficient (1 / d_v) sum_{u ~ v} 1 / d_u
(12)  bridging centrality: betweenness times bridging coefficient
(13)  Fiedler value and gap: ends of the spectrum of D - A
(14)  alpha = argmax of -alpha sum log x - n log zeta(alpha, xmin)
(15)  KS distance: the largest of abs(S(x) - P(x)), smallest at xmin
(16)  standard error (alpha - 1) / sqrt(n)
(17)  R = sum_i l_i / (sigma sqrt(n)), l_i = log p_1(x_i) - log p_2(x_i)
(18)  discrete exponential (1 - e^-r) e^(-r (x - xmin))
(19)  distance to the target, the norm of e(v) - e(target)
(20)  next node: uniform among the top_k unvisited neighbours that are nearest to the target
(21)  randomised Dijkstra: length of each edge plus r U(0, 1)
(22)  patterns: average degree >= 2, a component of 10 nodes or more
(23)  gaps: sum over shared neighbours of 1 / log d
(24)  candidates of a pattern's node: agree with all nodes placed before, edge or none
====  =====================================================================================

Extraction is an interface: annotations made by people, surface patterns, any function, or a
language model behind :class:`LanguageModelExtractor`. Left out, as they need large models that are
not at hand offline: text generation from a path (:func:`path_report` states the facts instead), the
dialogue of several agents, and images as input.

Files: ``extraction`` on ``_patterns``; ``building``; ``embedding`` on ``_minilm``; ``merging``;
``measures`` on ``_kernels``; ``powerlaw``; ``paths``; ``analogies``; ``report``; ``evaluation``.
Needs the extra "networks" (networkx, numba); the sentence model needs the extra "sentences".
"""

from mixbook.networks.graph_reasoning.analogies import (
    Analogy,
    find_isomorphic_subgraphs,
    grow_pattern,
    map_edges,
)
from mixbook.networks.graph_reasoning.building import (
    add_text,
    build_graph,
    compose,
    giant_component,
    remove_small_fragments,
)
from mixbook.networks.graph_reasoning.embedding import KINDS, NodeEmbedder, similar_pairs
from mixbook.networks.graph_reasoning.evaluation import (
    GoldTerms,
    bag_of_words,
    extracted_terms,
    gold_terms,
    merge_scores,
    plant_copy,
    spelling_variants,
    term_scores,
)
from mixbook.networks.graph_reasoning.extraction import (
    DROP_TYPES,
    AnnotationExtractor,
    CallableExtractor,
    Extractor,
    LanguageModelExtractor,
    PatternExtractor,
    Triple,
    extract_triples,
    parse_llm_json,
    split_text,
)
from mixbook.networks.graph_reasoning.measures import (
    betweenness,
    bridging_centrality,
    bridging_coefficient,
    closeness,
    communities,
    graph_statistics,
    keep_top_betweenness,
    modularity,
    remove_top_bridging,
    rewired,
    spectrum_ends,
)
from mixbook.networks.graph_reasoning.merging import join_edges, merge_similar_nodes, relabel
from mixbook.networks.graph_reasoning.paths import (
    COSTS,
    PathResult,
    find_concept,
    heuristic_path,
    n_simple_paths,
    random_walk,
    randomized_waypoint_path,
    short_title,
    shortest_concept_path,
    triangles,
)
from mixbook.networks.graph_reasoning.powerlaw import (
    ALTERNATIVES,
    goodness_of_fit,
    power_law_fit,
    sample_power_law,
)
from mixbook.networks.graph_reasoning.report import SCORES, path_report, suggest_missing_links

__all__ = [
    "ALTERNATIVES",
    "COSTS",
    "DROP_TYPES",
    "KINDS",
    "SCORES",
    "Analogy",
    "AnnotationExtractor",
    "CallableExtractor",
    "Extractor",
    "GoldTerms",
    "LanguageModelExtractor",
    "NodeEmbedder",
    "PathResult",
    "PatternExtractor",
    "Triple",
    "add_text",
    "bag_of_words",
    "betweenness",
    "bridging_centrality",
    "bridging_coefficient",
    "build_graph",
    "closeness",
    "communities",
    "compose",
    "extract_triples",
    "extracted_terms",
    "find_concept",
    "find_isomorphic_subgraphs",
    "giant_component",
    "gold_terms",
    "goodness_of_fit",
    "graph_statistics",
    "grow_pattern",
    "heuristic_path",
    "join_edges",
    "keep_top_betweenness",
    "map_edges",
    "merge_scores",
    "merge_similar_nodes",
    "modularity",
    "n_simple_paths",
    "parse_llm_json",
    "path_report",
    "plant_copy",
    "power_law_fit",
    "random_walk",
    "randomized_waypoint_path",
    "relabel",
    "remove_small_fragments",
    "remove_top_bridging",
    "rewired",
    "sample_power_law",
    "short_title",
    "shortest_concept_path",
    "similar_pairs",
    "spectrum_ends",
    "spelling_variants",
    "split_text",
    "suggest_missing_links",
    "term_scores",
    "triangles",
]
