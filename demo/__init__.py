"""The web demo: python -m demo."""
