"""The site of these pages: assembled by `python -m docs.site`, built by Zensical (`make docs`)."""
