r"""kNN-Embed: users as smoothed mixtures of interests, for retrieval.

Ahmed El-Kishky, Thomas Markovich, Kenny Leung, Frank Portman, Aria Haghighi, Ying Xiao.
*kNN-Embed: Locally Smoothed Embedding Mixtures For Multi-interest Candidate Retrieval*. PAKDD 2023,
arXiv:2205.06205.

Given are queries :math:`q` (users), items :math:`t`, and for each query the set :math:`T(q)` of its
items. Both have unit vectors :math:`e(\cdot)`. Usual retrieval looks for the items nearest to one
vector of the query. kNN-Embed keeps the vectors and asks several times: once for each *interest* (a
cluster of items) that the query has shown, with a share of the budget that fits its weight. Because
one list of items is short, weights and vectors are averaged over the :math:`k` nearest queries.

The equations carry this module's own numbers, used by the chapter as well (the numbers of the paper
are not used).

=====  ===========================================================================================
(1)    mixture: :math:`p(t\mid q)=\sum_c p(c\mid q)\,p(t\mid q,c)`
(2)    weights: :math:`p(c\mid q)=|T(q)\cap c|\,/\,|T(q)|`
(3)    components: :math:`\mu_{q,c}\propto\sum_{t\in T(q)\cap c}e(t)`, of unit length
(4)    smoothed weights: :math:`\tilde p(c\mid q)=\tfrac1k\sum_{q'\in N_k(q)}p(c\mid q')`
(5)    smoothed components, items pooled:
       :math:`\tilde\mu_{q,c}\propto\sum_{q'\in N_k(q)}\sum_{t\in T(q')\cap c}e(t)`
(6)    smoothed components, components pooled:
       :math:`\tilde\mu_{q,c}\propto\sum_{q'\in N_k(q)}p(c\mid q')\,\mu_{q',c}`
(7)    budget: :math:`n_c=\lfloor n\tilde p_c\rfloor`, plus one for the largest remainders
(8)    base vectors by SVD: :math:`D_q^{-1/2}AD_t^{-1/2}\approx USV^\top`, rows of
       :math:`US^{1/2}` and :math:`VS^{1/2}` scaled to unit length
(9)    base vectors by translation: score :math:`\langle e_q+r,\,e_t\rangle`
(10)   their loss on a batch of pairs :math:`(q_i,t_i)`:
       :math:`-\tfrac1B\sum_i\log\mathrm{softmax}_j\langle e_{q_i}+r,e_{t_j}\rangle\big|_{j=i}`
(11)   spherical k-means: :math:`\max\sum_t\langle e(t),\,m_{c(t)}\rangle` over unit centres
(12)   recall: :math:`|\text{retrieved}\cap\text{test}|\,/\,|\text{test}|`
(13)   diversity: mean of :math:`1-\langle e_i,e_j\rangle` over the pairs of a list
(14)   MMR: next item :math:`\arg\max_i\,\lambda\langle e(q),e_i\rangle
       -(1-\lambda)\max_{j\,\text{chosen}}\langle e_i,e_j\rangle`
(15)   item-kNN: :math:`s(q,t)=\sum_{t'\in T(q)}|Q(t)\cap Q(t')|\,/\sqrt{|Q(t)||Q(t')|}`
(16)   tag diversity: mean Jaccard distance of the tag sets of pairs
(17)   entropy of interests: :math:`-\sum_c p_c\log p_c`
(18)   PureSVD: :math:`s(q,t)=\sum_{t'\in T(q)}\langle v_{t'},v_t\rangle` with the right singular
       vectors of the plain table
=====  ===========================================================================================

Equations (1), (2), (4) and the proportional budget of (7) follow the paper's description; its
abstract leaves open how components are smoothed, so both readings (5) and (6) are offered.

Left out: the paper's distributed training of the base vectors; theirs are of the translation type,
Eq. (9), and are trained here with the other targets of a batch as negatives.
"""

from mixbook.mixtures.knn_embed._baselines import (
    item_knn_retrieve,
    mmr_rerank,
    popularity_retrieve,
    pure_svd_retrieve,
)
from mixbook.mixtures.knn_embed._embeddings import TransEBipartite, svd_embeddings, train_transe
from mixbook.mixtures.knn_embed._estimator import KNNEmbed
from mixbook.mixtures.knn_embed._evaluation import (
    interest_entropy,
    leave_out_split,
    list_diversity,
    recall_at,
    tag_diversity,
)
from mixbook.mixtures.knn_embed._mixture import (
    component_vectors,
    knn_queries,
    mixture_weights,
    smooth_weights,
    spherical_kmeans,
)
from mixbook.mixtures.knn_embed._retrieval import allocate, unimodal_retrieve
from mixbook.mixtures.knn_embed._synthetic import MultiInterest, make_multi_interest

__all__ = [
    "KNNEmbed",
    "MultiInterest",
    "TransEBipartite",
    "allocate",
    "component_vectors",
    "interest_entropy",
    "item_knn_retrieve",
    "knn_queries",
    "leave_out_split",
    "list_diversity",
    "make_multi_interest",
    "mixture_weights",
    "mmr_rerank",
    "popularity_retrieve",
    "pure_svd_retrieve",
    "recall_at",
    "smooth_weights",
    "spherical_kmeans",
    "svd_embeddings",
    "tag_diversity",
    "train_transe",
    "unimodal_retrieve",
]
