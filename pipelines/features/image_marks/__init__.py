"""What image files say about how they were made: found in files of strangers, and written.

- `containers`: the metadata of a file, parsed under limits, without decoding the image
- `finding`: which generator left its mark, or who states that a model made the image
- `writing`: IPTC's digital source type in a copy of a file, whose pixels stay as they are
"""
