"""Content keys, named random streams, provenance, and the store that holds every result."""

from brainalign.artifacts.files import write_atomically, write_json, write_text
from brainalign.artifacts.inventory import Holding, free, study_bytes, take_stock
from brainalign.artifacts.keys import content_key, file_sha256, hash_arrays, hash_file, hash_json, stream, stream_seed
from brainalign.artifacts.provenance import provenance
from brainalign.artifacts.store import SCHEMA_VERSION, Store
from brainalign.artifacts.tables import (
    OUTCOME_SCHEMA,
    TRIAL_SCHEMA,
    UNSCIENTIFIC,
    Part,
    Result,
    State,
    TrialRow,
    place_name,
    table_hash,
)

__all__ = [
    "OUTCOME_SCHEMA",
    "SCHEMA_VERSION",
    "TRIAL_SCHEMA",
    "UNSCIENTIFIC",
    "Holding",
    "Part",
    "Result",
    "State",
    "Store",
    "TrialRow",
    "content_key",
    "file_sha256",
    "free",
    "hash_arrays",
    "hash_file",
    "hash_json",
    "place_name",
    "provenance",
    "stream",
    "stream_seed",
    "study_bytes",
    "table_hash",
    "take_stock",
    "write_atomically",
    "write_json",
    "write_text",
]
