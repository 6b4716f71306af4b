"""A report as one HTML file that asks for nothing from elsewhere."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from decoder_pretrain.report_content import Curves, Figure, Missing, Panel, Table
from decoder_pretrain.report_pictures import LARGEST_ERROR_MM, error_colours
from decoder_pretrain.report_runs import Refusal
from estimator.hand.shading import encode_srgb

_STYLE = Path(__file__).parent / "assets" / "report.css"
_QUALITY = 90


@dataclass(frozen=True)
class Headline:
    """A number to see first.

    Attributes:
        value: with its unit.
        words: what it is.
    """

    value: str
    words: str


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        title: its heading, and its entry in the contents.
        parts: what it shows, from top to bottom.
    """

    title: str
    parts: tuple[Table | Figure | Curves, ...]


@dataclass(frozen=True)
class Page:
    """A whole report.

    Attributes:
        title: its heading.
        summary: what it is about, on whom.
        simulated: whether the data is not of real people.
        headlines: numbers to see first.
        sections: from top to bottom.
        refused: runs that it could not use.
        made: by what and when, one line.
    """

    title: str
    summary: str
    simulated: bool
    headlines: tuple[Headline, ...]
    sections: tuple[Section, ...]
    refused: tuple[Refusal, ...]
    made: str


def html(page: Page) -> str:
    """The file's text."""
    sections = [section for section in page.sections if section.parts]
    contents = "".join(f'<a href="#s{number}">{escape(section.title)}</a>' for number, section in enumerate(sections))
    body = "".join(
        f'<section id="s{number}"><h2>{escape(section.title)}</h2>{"".join(map(_part, section.parts))}</section>'
        for number, section in enumerate(sections)
    )
    badge = '<p class="badge">simulated data</p>' if page.simulated else ""
    headlines = "".join(f"<div><strong>{escape(one.value)}</strong><span>{escape(one.words)}</span></div>" for one in page.headlines)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(page.title)}</title>\n'
        f"<style>{_STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n"
        f"<header>{badge}<h1>{escape(page.title)}</h1><p>{escape(page.summary)}</p>"
        + (f'<div class="headlines">{headlines}</div>' if headlines else "")
        + f"<nav>{contents}</nav></header>\n<main>{_refusals(page.refused)}{body}</main>\n"
        f"<footer>{escape(page.made)}</footer>\n</body>\n</html>\n"
    )


def _part(part: Table | Figure | Curves) -> str:
    if isinstance(part, Table):
        return _table(part)
    return _figure(part) if isinstance(part, Figure) else _curves(part)


def _table(table: Table) -> str:
    def cells(texts: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{'' if column < table.text_columns else ' class=n'}>{escape(text)}</{tag}>" for column, text in enumerate(texts)
        )

    rows = "".join(f"<tr{' class=best' if row.best else ''}>{cells(row.cells, 'td')}</tr>" for row in table.rows)
    shown = f'<div class="scroll"><table><thead><tr>{cells(table.headings, "th")}</tr></thead><tbody>{rows}</tbody></table></div>'
    return (
        f"<article>{_heading(table.number, table.title)}{shown if table.rows else ''}"
        f"<p class=caption>{escape(table.caption)}</p>{_missing(table.missing)}</article>"
    )


def _figure(figure: Figure) -> str:
    shown = ""
    if figure.rows:
        headings = "".join(f"<div class=column>{escape(heading)}</div>" for heading in figure.headings)
        panels = "".join(_panel(panel, heading) for row in figure.rows for panel, heading in zip(row, figure.headings, strict=True))
        scale = _error_scale(figure.scale_mm) if figure.scale_mm else ""
        shown = f'<div class="scroll"><div class="pictures" style="--columns:{len(figure.headings)}">{headings}{panels}</div></div>{scale}'
    caption = f"<p class=caption>{escape(figure.caption)}</p>"
    return f"<article>{_heading(figure.number, figure.title)}{shown}{caption}{_missing(figure.missing)}</article>"


def _panel(panel: Panel, heading: str) -> str:
    text = escape(", ".join(filter(None, (heading, panel.note))), quote=True)
    height, width = panel.picture.shape[:2]
    note = f"<figcaption>{escape(panel.note)}</figcaption>" if panel.note else ""
    return f'<figure><img alt="{text}" width="{width}" height="{height}" loading="lazy" src="{_picture(panel)}">{note}</figure>'


def _picture(panel: Panel) -> str:
    buffer = io.BytesIO()
    Image.fromarray(panel.picture).save(buffer, "WEBP", quality=_QUALITY, method=6)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def _curves(curves: Curves) -> str:
    drawn = f'<div class="scroll curves">{curves.svg}</div>'
    return f"<article>{_heading('', curves.title)}{drawn}<p class=caption>{escape(curves.caption)}</p></article>"


def _error_scale(largest_mm: float) -> str:
    colours = encode_srgb(error_colours(np.linspace(0, LARGEST_ERROR_MM, 9)))
    stops = ", ".join(f"rgb({r} {g} {b})" for r, g, b in colours.tolist())
    return (
        f'<div class="scale"><span>0 mm</span><i style="background:linear-gradient(90deg, {stops})"></i>'
        f"<span>{largest_mm:g} mm and more</span></div>"
    )


def _heading(number: str, title: str) -> str:
    return f"<h3>{f'<b>{escape(number)}</b> ' if number else ''}{escape(title)}</h3>"


def _missing(missing: Sequence[Missing]) -> str:
    if not missing:
        return ""
    rows = "".join(f"<li>{escape(one.words)}{_command(one.variant.command)}</li>" for one in missing)
    return f"<div class=missing><p>No run yet of</p><ul>{rows}</ul></div>"


def _command(command: str) -> str:
    """Lines end between options, never within one."""
    return "<code>" + " ".join(f"<span>{escape(part)}</span>" for part in command.replace(" --", "\n--").split("\n")) + "</code>"


def _refusals(refused: Sequence[Refusal]) -> str:
    if not refused:
        return ""
    rows = "".join(
        f"<li><b>{escape(one.path.resolve().name)}</b> {'unfinished' if one.unfinished else 'cannot be used'}: {escape(one.reason)}</li>"
        for one in refused
    )
    return f"<aside><p>Runs that are not in this report</p><ul>{rows}</ul></aside>"
