"""A table as the text of its cells, which pages show as HTML."""

from __future__ import annotations

import html

# The head of a table, and its lines.
Cells = tuple[list[str], list[list[str]]]


def html_table(cells: Cells) -> str:
    """A table of escaped cells."""
    head, lines = cells
    titles = "".join(f"<th>{html.escape(title).replace('.', '.<wbr>')}</th>" for title in head)
    rows = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in line)}</tr>" for line in lines
    )
    return (
        '<div class="scroll"><table class="stacked">'
        f"<thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
