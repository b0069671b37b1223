"""What a ref holds, in forms that other tools read; `registry` lists them.

- `registry`: every format by name, those of rows and those of lineage
- `rows`: the accepted rows, and the candidates that were refused
- `conversations`: which columns are a question and its answer, as messages
- `preferences`: an accepted and a refused answer to one question
"""
