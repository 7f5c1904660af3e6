"""Generator of the portable registry tables."""
