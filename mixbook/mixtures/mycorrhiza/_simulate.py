"""Simulated genotypes: populations of known differentiation, migration between islands, hybrids.

All simulators give unphased genotypes: the alleles of a locus are sorted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.data import Genotypes

MODELS = ("island", "hierarchical", "stepping")


def simulate_balding_nichols(
    F: float,
    *,
    n_pop: int = 5,
    n_per_pop: int = 20,
    n_loci: int = 300,
    random_state: int | np.random.Generator | None = None,
) -> Genotypes:
    r"""Unlinked SNPs of diploids from populations that drifted apart by a given :math:`F_{ST}`.

    .. math:: p \sim U(0.05, 0.95), \qquad
              p_k \sim \mathrm{Beta}\Big(\frac{1-F}{F}p, \frac{1-F}{F}(1-p)\Big), \qquad
              c \sim \mathrm{Binomial}(2, p_k)

    Parameters
    ----------
    F : float
        Between 0 and 1, both excluded.
    n_pop, n_per_pop, n_loci : int
    random_state : int, numpy Generator or None

    Returns
    -------
    Genotypes
        ``G`` of shape (n_pop n_per_pop, n_loci, 2) with alleles 0 and 1; ``y`` = 0, 1, ...
    """
    F = check_number(F, "F", low=0, high=1, low_open=True, high_open=True)
    for value, name in ((n_pop, "n_pop"), (n_per_pop, "n_per_pop"), (n_loci, "n_loci")):
        check_integer(value, name, low=1)
    rng = as_rng(random_state)
    # Eq. (20)
    ancestral = rng.uniform(0.05, 0.95, n_loci)
    a, b = ancestral * (1 - F) / F, (1 - ancestral) * (1 - F) / F
    frequency = rng.beta(a, b, (n_pop, n_loci))
    y = np.repeat(np.arange(n_pop), n_per_pop)
    alleles = rng.random((len(y), n_loci, 2)) < frequency[y][:, :, None]
    return _genotypes(alleles.astype(np.int8), y, np.arange(n_loci))


def simulate_islands(
    model: str = "island",
    migration: float = 3e-4,
    n_pop: int = 5,
    n_per_pop: int = 50,
    *,
    inner_migration: float = 1e-3,
    n_e: int = 500,
    generations: int = 3000,
    migration_generations: int = 1000,
    length: float = 1e5,
    mutation: float = 1e-7,
    recombination: float = 1e-8,
    maf: float = 0.05,
    n_blocks: int = 100,
    engine: str = "blocks",
    random_state: int | np.random.Generator | None = None,
) -> Genotypes:
    r"""SNPs of diploids from populations that drift apart and then exchange migrants.

    The paper simulates forward in time; here the same demography runs backward, as a coalescent:
    all populations start without variation, drift for ``generations``, and migrate during the
    last ``migration_generations`` of them.

    Parameters
    ----------
    model : {"island", "hierarchical", "stepping"}
        Who exchanges migrants: all pairs; all pairs, those within the groups {0, 1} and {2, ...}
        at ``inner_migration``; or neighbours in a line.
    migration : float
        Share of a population's parents that come from one other population, each generation.
    n_pop, n_per_pop : int
        Populations, and diploids sampled from each.
    inner_migration : float
        Within the groups of the hierarchical model.
    n_e : int
        Diploids in each population.
    generations, migration_generations : int
    length : float
        Sites in the sequence.
    mutation, recombination : float
        Rates a site and generation. Each mutation makes a new SNP.
    maf : float
        Only SNPs are kept whose rarer allele has at least this share in the sample.
    n_blocks : int
        The engine ``"blocks"`` recombines only between this many equal blocks.
    engine : {"blocks", "msprime"}
        The simulator of this module, or the package msprime where it is installed.
    random_state : int, numpy Generator or None

    Returns
    -------
    Genotypes
        ``G`` of shape (n_pop n_per_pop, loci, 2): 0 the ancestral allele, 1 the new one. ``loci``
        are positions along the sequence.

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed, or no SNP passes ``maf``.
    ImportError
        If msprime is asked for and missing.
    """
    M = migration_matrix(model, migration, n_pop, inner_migration=inner_migration)
    check_integer(n_per_pop, "n_per_pop", low=1)
    check_integer(n_e, "n_e", low=n_per_pop)
    check_integer(generations, "generations", low=1)
    check_integer(migration_generations, "migration_generations", low=0, high=generations)
    check_number(length, "length", low=1)
    check_number(mutation, "mutation", low=0, low_open=True)
    check_number(recombination, "recombination", low=0)
    check_number(maf, "maf", low=0, high=0.5)
    check_integer(n_blocks, "n_blocks", low=1)
    check_choice(engine, "engine", ("blocks", "msprime"))
    rng = as_rng(random_state)
    settings = (M, n_per_pop, n_e, generations, migration_generations, length, mutation)
    if engine == "msprime":
        haplotypes, where = _with_msprime(*settings, recombination, rng)
    else:
        haplotypes, where = _with_blocks(*settings, recombination, n_blocks, rng)
    share = haplotypes.mean(0)
    keep = np.minimum(share, 1 - share) >= max(maf, 1e-12)
    if not keep.any():
        raise ValueError(f"no SNP has a rarer allele of at least maf = {maf}; raise mutation")
    pairs = haplotypes[:, keep].reshape(n_pop * n_per_pop, 2, -1).transpose(0, 2, 1)
    return _genotypes(pairs.astype(np.int8), np.repeat(np.arange(n_pop), n_per_pop), where[keep])


def migration_matrix(
    model: str, migration: float, n_pop: int, *, inner_migration: float = 1e-3
) -> Float[np.ndarray, "K K"]:
    """Entry (i, j): the share of population i's parents that come from j; zero diagonal."""
    check_choice(model, "model", MODELS)
    check_integer(n_pop, "n_pop", low=2)
    for value, name in ((migration, "migration"), (inner_migration, "inner_migration")):
        check_number(value, name, low=0, high=1 / n_pop)
    M = np.full((n_pop, n_pop), float(migration))
    index = np.arange(n_pop)
    if model == "hierarchical":
        group = index >= 2
        M[group[:, None] == group] = inner_migration
    elif model == "stepping":
        M[np.abs(index[:, None] - index) != 1] = 0
    np.fill_diagonal(M, 0)
    return M


def make_hybrids(
    data: Genotypes,
    shares: Sequence[float] = (0.25, 0.5, 0.75),
    *,
    n_hybrids: int = 10,
    n_parents: int = 10,
    random_state: int | np.random.Generator | None = None,
) -> tuple[Genotypes, Float[np.ndarray, "N K"]]:
    """Replace some individuals by hybrids of two populations, of known shares.

    The parents are drawn from each population and taken out of the data. Each allele of a hybrid
    comes from a random parent of its first population with probability ``share``, else from one
    of the second; loci are independent, as after many generations of mixing.

    Parameters
    ----------
    data : Genotypes
        Diploid or haploid.
    shares : sequence of float
        Ancestry from the first of the two populations, within [0, 1].
    n_hybrids : int
        Hybrids for each share; the two populations of each are drawn at random.
    n_parents : int
        Parents from each population, which must have more individuals than that.
    random_state : int, numpy Generator or None

    Returns
    -------
    Genotypes
        The remaining individuals, then the hybrids with ``y`` = -1 (or "-1").
    array of shape (N, K)
        The true mixture proportions; columns in the sorted order of populations.
    """
    shares = [check_number(q, "shares", low=0, high=1) for q in shares]
    check_integer(n_hybrids, "n_hybrids", low=1)
    names, counts = np.unique(data.y, return_counts=True)
    check_integer(n_parents, "n_parents", low=1, high=int(counts.min()) - 1)
    if len(names) < 2:
        raise ValueError("data must hold at least two populations")
    rng = as_rng(random_state)
    parents = [rng.permutation(np.flatnonzero(data.y == k))[:n_parents] for k in names]
    q = np.repeat(shares, n_hybrids)
    pairs = np.array([rng.permutation(len(names))[:2] for _ in q])
    hybrids = np.stack(
        [_cross(data.G, parents, i, j, w, rng) for (i, j), w in zip(pairs.tolist(), q.tolist())]
    )
    pure = np.setdiff1d(np.arange(len(data)), np.concatenate(parents))
    truth = np.zeros((len(q), len(names)))
    truth[np.arange(len(q)), pairs[:, 0]] = q
    truth[np.arange(len(q)), pairs[:, 1]] += 1 - q
    both = Genotypes(
        np.concatenate([data.G[pure], hybrids]),
        np.concatenate([data.y[pure], np.full(len(q), -1 if data.y.dtype.kind in "iu" else "-1")]),
        np.concatenate([data.ids[pure], [f"hybrid {i}" for i in range(len(q))]]),
        data.loci,
    )
    return both, np.concatenate([(data.y[pure, None] == names).astype(float), truth])


def _cross(
    G: np.ndarray, parents: list[np.ndarray], i: int, j: int, q: float, rng: np.random.Generator
) -> np.ndarray:
    """One hybrid of populations i and j with share q of the first."""
    shape = G.shape[1:]
    first = rng.random(shape) < q
    who = np.where(first, rng.choice(parents[i], shape), rng.choice(parents[j], shape))
    if G.ndim == 2:
        return G[who, np.arange(shape[0])]
    copy = rng.integers(shape[1], size=shape)
    return np.sort(G[who, np.arange(shape[0])[:, None], copy], axis=1)


def _genotypes(alleles: np.ndarray, y: np.ndarray, loci: np.ndarray) -> Genotypes:
    ids = np.array([f"{i} of population {k}" for i, k in enumerate(y)])
    return Genotypes(np.sort(alleles, axis=2), y, ids, loci)


# --- the coalescent -------------------------------------------------------------------------------


@dataclass
class _Ancestry:
    """Lineages that carry material of the sample, back in time, with recombination between blocks.

    ``material[l]`` holds, for each block, the node of that block's tree that lineage l carries, or
    -1. Nodes 0, ..., n - 1 of each tree are the sample; later ones are older.
    """

    deme: list[int]
    material: list[np.ndarray]
    parent: Int[np.ndarray, "B nodes"]
    time: Float[np.ndarray, "B nodes"]
    made: Int[np.ndarray, " B"]
    n_carriers: Int[np.ndarray, " B"]
    breaks: list[int] = field(default_factory=list)

    @classmethod
    def of_sample(cls, n: int, n_pop: int, n_blocks: int) -> _Ancestry:
        material = [np.full(n_blocks, i) for i in range(n * n_pop)]
        shape = (n_blocks, 2 * n * n_pop - 1)
        return cls(
            deme=np.repeat(np.arange(n_pop), n).tolist(),
            material=material,
            parent=np.full(shape, -1),
            time=np.zeros(shape),
            made=np.full(n_blocks, n * n_pop),
            n_carriers=np.full(n_blocks, n * n_pop),
            breaks=[n_blocks - 1] * (n * n_pop),
        )

    def add(self, deme: int, material: np.ndarray) -> None:
        held = np.flatnonzero(material >= 0)
        if held.size:
            self.deme.append(deme)
            self.material.append(material)
            self.breaks.append(int(held[-1] - held[0]))

    def remove(self, lineage: int) -> np.ndarray:
        """Take a lineage out (the last one gets its number) and return its material."""
        material = self.material[lineage]
        self.material[lineage] = self.material[-1]
        self.deme[lineage], self.breaks[lineage] = self.deme[-1], self.breaks[-1]
        for of_lineages in (self.material, self.deme, self.breaks):
            of_lineages.pop()
        return material

    def coalesce(self, i: int, j: int, t: float) -> None:
        """Two lineages of one population meet in a common ancestor at time t."""
        deme = self.deme[i]
        a, b = self.remove(max(i, j)), self.remove(min(i, j))
        merged = np.where(a >= 0, a, b)
        both = np.flatnonzero((a >= 0) & (b >= 0))
        node = self.made[both]
        self.parent[both, a[both]] = self.parent[both, b[both]] = node
        self.time[both, node] = t
        merged[both] = node
        self.made[both] += 1
        self.n_carriers[both] -= 1
        merged[both[self.n_carriers[both] == 1]] = -1  # the root of this block's tree is found
        self.add(deme, merged)

    def recombine(self, lineage: int, rng: np.random.Generator) -> None:
        """A lineage splits at a random boundary within its material."""
        deme, material = self.deme[lineage], self.remove(lineage)
        held = np.flatnonzero(material >= 0)
        cut = int(rng.integers(held[0] + 1, held[-1] + 1))
        left, right = material.copy(), material
        left[cut:] = -1
        right[:cut] = -1
        self.add(deme, left)
        self.add(deme, right)


def _with_blocks(
    M: np.ndarray, n_per_pop: int, n_e: int, generations: int, migrating: int, length: float,
    mutation: float, recombination: float, n_blocks: int, rng: np.random.Generator,
) -> tuple[Int[np.ndarray, "n loci"], Float[np.ndarray, " loci"]]:  # fmt: skip
    n_pop = len(M)
    ancestry = _Ancestry.of_sample(2 * n_per_pop, n_pop, n_blocks)
    at_boundary = recombination * length / max(n_blocks - 1, 1)
    t = _go_back(ancestry, 0.0, migrating, M, n_e, at_boundary, rng)
    _go_back(ancestry, t, generations, np.zeros_like(M), n_e, at_boundary, rng)
    block, carriers = _drop_mutations(ancestry, generations, mutation * length / n_blocks, rng)
    where = (block + rng.random(len(block))) * length / n_blocks
    along = np.argsort(where)
    return carriers[along, : 2 * n_per_pop * n_pop].T.astype(np.int64), where[along]


def _go_back(
    s: _Ancestry, t: float, end: float, M: np.ndarray, n_e: int, boundary: float,
    rng: np.random.Generator,
) -> float:  # fmt: skip
    """Events from time t to time ``end``, exponential waiting times between them."""
    leaving = M.sum(1)
    while s.deme:
        deme = np.array(s.deme)
        k = np.bincount(deme, minlength=len(M))
        meet = k * (k - 1) / (4 * n_e)
        breaks = boundary * np.array(s.breaks)
        rates = np.array([meet.sum(), breaks.sum(), leaving[deme].sum()])
        if not rates.sum() > 0:
            break
        t += rng.exponential(1 / rates.sum())
        if t >= end:
            break
        what = rng.choice(3, p=rates / rates.sum())
        if what == 0:
            population = rng.choice(len(M), p=meet / meet.sum())
            i, j = rng.choice(np.flatnonzero(deme == population), 2, replace=False)
            s.coalesce(int(i), int(j), t)
        elif what == 1:
            s.recombine(int(rng.choice(len(deme), p=breaks / breaks.sum())), rng)
        else:
            lineage = int(rng.choice(len(deme), p=leaving[deme] / leaving[deme].sum()))
            row = M[deme[lineage]]
            s.deme[lineage] = int(rng.choice(len(M), p=row / row.sum()))
    return end


def _drop_mutations(
    s: _Ancestry, generations: int, rate: float, rng: np.random.Generator
) -> tuple[Int[np.ndarray, " loci"], Bool[np.ndarray, "loci nodes"]]:
    """Mutations on the branches, and which nodes carry each."""
    nodes = np.arange(s.time.shape[1])
    exists = nodes < s.made[:, None]
    has_parent = s.parent >= 0
    top = np.where(has_parent, np.take_along_axis(s.time, np.maximum(s.parent, 0), 1), generations)
    whole = s.made == len(nodes)  # one root: what happens above it is shared by all
    branch = np.where(exists & (has_parent | ~whole[:, None]), top - s.time, 0.0)
    hits = rng.poisson(rate * branch)
    block, node = (np.repeat(i, hits[hits > 0]) for i in np.nonzero(hits))
    carriers = node[:, None] == nodes
    for child in nodes[::-1]:
        above = s.parent[block, child]
        carriers[:, child] |= (above >= 0) & carriers[np.arange(len(block)), np.maximum(above, 0)]
    return block, carriers


def _with_msprime(
    M: np.ndarray, n_per_pop: int, n_e: int, generations: int, migrating: int, length: float,
    mutation: float, recombination: float, rng: np.random.Generator,
) -> tuple[Int[np.ndarray, "n loci"], Float[np.ndarray, " loci"]]:  # fmt: skip
    try:
        import msprime
    except ImportError as error:
        raise ImportError('engine="msprime" needs msprime: pip install msprime') from error
    demography = msprime.Demography.isolated_model([n_e] * len(M))
    demography.migration_matrix = M
    demography.add_migration_rate_change(migrating, rate=0)
    first, second = (int(rng.integers(1, 2**31)) for _ in range(2))
    trees = msprime.sim_ancestry(
        samples=dict.fromkeys((p.name for p in demography.populations), n_per_pop),
        demography=demography, sequence_length=length, recombination_rate=recombination,
        end_time=generations, random_seed=first,
    )  # fmt: skip
    trees = msprime.sim_mutations(
        trees, rate=mutation, model=msprime.InfiniteSites(), discrete_genome=False,
        random_seed=second,
    )  # fmt: skip
    sites = [(v.site.position, v.genotypes) for v in trees.variants()]
    where = np.array([position for position, _ in sites])
    columns = [genotypes for _, genotypes in sites]
    n = 2 * n_per_pop * len(M)
    return (np.stack(columns, 1) if columns else np.zeros((n, 0), dtype=np.int64)), where
