"""Numbers computed from samples: hashes, embeddings, neighbours, classifiers."""
