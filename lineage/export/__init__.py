"""Lineage in forms that other tools read: W3C PROV as JSON, and Croissant as JSON-LD."""
