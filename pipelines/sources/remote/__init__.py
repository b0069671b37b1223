"""Sources on other machines, by fsspec: what is there is found, and fetched once."""
