"""Boards that are none: on the bench and in tests."""
