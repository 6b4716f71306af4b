"""The virtual studio: simulated subjects before simulated cameras, in place of the capture studio that nobody here has."""
