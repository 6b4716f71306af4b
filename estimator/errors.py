"""What a user can mend."""


class InputError(ValueError):
    """An input that cannot be used. The message is one line: what is wrong, where, what to do. Commands print it and exit with 2."""
