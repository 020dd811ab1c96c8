"""The contract between export and the light engine: what lies in a version's light twin."""
