"""The EU's public summary of training content, filled in as far as the lake knows.

Article 53(1)(d) of Regulation (EU) 2024/1689 has providers of general-purpose AI models publish it,
by the AI Office's template: Annex to C(2025) 5235, 24 July 2025, whose sections and numbers these
are. What the lake cannot know is left blank, with what to write there.

- `template`: sections, fields, and what to write into each
- `training_content`: what the lake knows of the content at a version
- `filled`: the template with what is known
- `rendering`: as Markdown, HTML or JSON
"""
