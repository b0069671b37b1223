"""Rounds of digits that were made to break the guard, and healthy ones beside them."""
