"""F21: whether the tests of the safety core see every branch of it, and most of what could be wrong in it.

docs/adr/0023-safety-core.md says which modules these are, and why.
"""
