"""MakeHuman's CC0 body as a source of hands: the template's, and those of the virtual studio's subjects."""
