"""What a report is made of: tables, figures, curves, and what is missing from them."""

from dataclasses import dataclass

from decoder_pretrain.pictures import Picture
from decoder_pretrain.report_runs import Variant


@dataclass(frozen=True)
class Row:
    """A line of a table.

    Attributes:
        cells: text; numbers with their digits.
        best: the row to look at.
    """

    cells: tuple[str, ...]
    best: bool = False


@dataclass(frozen=True)
class Missing:
    """A run without which something cannot be shown."""

    variant: Variant

    @property
    def words(self) -> str:
        """What it is."""
        return f"{self.variant.words}, {self.variant.data.words}"


@dataclass(frozen=True)
class Table:
    """Numbers.

    Attributes:
        number: as in the paper; empty for our own.
        title: what it is about.
        caption: what is measured, on whom.
        headings: of the columns; the first ``text_columns`` hold words.
        rows: from top to bottom.
        missing: runs that would fill more rows.
    """

    number: str
    title: str
    caption: str
    headings: tuple[str, ...]
    rows: tuple[Row, ...]
    missing: tuple[Missing, ...] = ()
    text_columns: int = 2


@dataclass(frozen=True)
class Panel:
    """A picture of a figure.

    Attributes:
        picture: RGB.
        note: short text under it.
    """

    picture: Picture
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """Pictures in rows.

    Attributes:
        number: as in the paper; empty for our own.
        title: what it is about.
        caption: what is to be seen, on whom.
        headings: of the columns.
        rows: panels, as many as headings; none where a run is missing.
        missing: runs that it needs.
        scale_mm: length of the scale of errors that its colours follow; 0 where they do not.
    """

    number: str
    title: str
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Panel, ...], ...] = ()
    missing: tuple[Missing, ...] = ()
    scale_mm: float = 0.0


@dataclass(frozen=True)
class Curves:
    """A plot as a drawing for the page.

    Attributes:
        title: what it is about.
        caption: of which runs.
        svg: the drawing; text and axes in the page's colour.
    """

    title: str
    caption: str
    svg: str
