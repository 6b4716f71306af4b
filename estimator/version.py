"""The version of this program, said once: results carry it and the package takes it from here."""

VERSION = "0.1.0"
