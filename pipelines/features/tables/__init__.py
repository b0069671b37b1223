"""Features of tables: columns as numbers and categories, distances, encoding, classifier."""
