"""Data sets: one ``load_<name>()`` function each, over one registry with checksums.

Files are downloaded once into the folder that ``MIXBOOK_DATA_DIR`` names (default: the
operating system's cache folder) and their sha256 is checked on every load.
"""

from mixbook.data.adult import Adult, load_adult
from mixbook.data.airports import Airports, load_airports
from mixbook.data.bank_marketing import BankMarketing, load_bank_marketing
from mixbook.data.cifar10 import Cifar10Subset, load_cifar10_jpg
from mixbook.data.cite import CitePCA, load_cite_pca50
from mixbook.data.citeulike import CiteULike, load_citeulike_a
from mixbook.data.covid19_panel import CovidPanel, load_covid19_panel
from mixbook.data.digits import DigitCollections, load_digit_collections
from mixbook.data.genotypes import (
    Genotypes,
    load_gypsy_moth,
    load_m_fijiensis,
    load_myco,
)
from mixbook.data.materials_procedures import (
    MaterialsProcedures,
    Procedure,
    load_materials_procedures,
)
from mixbook.data.ny_commuting import NYCommuting, load_ny_commuting
from mixbook.data.planetoid import CitationGraph, load_planetoid
from mixbook.data.registry import DataError, data_dir, fetch, known_files
from mixbook.data.safe import UnsafePickleError, load_pickle
from mixbook.data.scholp import load_scholp, load_scholp_published
from mixbook.data.street_network import StreetNetwork, load_street_network

__all__ = [
    "Adult",
    "Airports",
    "BankMarketing",
    "Cifar10Subset",
    "CitationGraph",
    "CitePCA",
    "CiteULike",
    "CovidPanel",
    "DataError",
    "DigitCollections",
    "Genotypes",
    "MaterialsProcedures",
    "NYCommuting",
    "Procedure",
    "StreetNetwork",
    "UnsafePickleError",
    "data_dir",
    "fetch",
    "known_files",
    "load_adult",
    "load_airports",
    "load_bank_marketing",
    "load_cifar10_jpg",
    "load_cite_pca50",
    "load_citeulike_a",
    "load_covid19_panel",
    "load_digit_collections",
    "load_gypsy_moth",
    "load_m_fijiensis",
    "load_materials_procedures",
    "load_myco",
    "load_ny_commuting",
    "load_pickle",
    "load_planetoid",
    "load_scholp",
    "load_scholp_published",
    "load_street_network",
]
