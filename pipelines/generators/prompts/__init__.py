"""Prompts of images: from a template, from a column, or from another data set's samples."""
