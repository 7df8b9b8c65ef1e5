//! The register (底数): divisions, households, persons, with versions.
