"""Pairing by every combination (F18): `combinations` draws them, `oracle` says what may come of each, `trial` tries it."""
