"""What runs inside the sandbox: a program in one process, the tests that judge it in another.

First the tests run in one process with the program (`judge` with `local`), since what does not pass
there does not pass anywhere. Then the program's process (`worker`) and the tests' process (`judge`)
are shut in apart from each other, and meet over two pipes alone. The modules of this folder are
handed to the sandbox's Python as code (`pipelines.sandbox.loader`), so they import the standard
library and each other, and nothing else.

What comes from the program is hostile: nothing of it is run in the tests' process, and a message
that is not what the protocol says ends the candidate, not the round.
"""
