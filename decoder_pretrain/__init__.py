"""Stage 1: the hand template, the decoder and its training."""
