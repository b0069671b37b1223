"""Lines of rounds through the real stages, on a real lake, each under a regime of its own."""
