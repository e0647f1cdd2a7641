"""A table as the text of its cells, which pages show as HTML."""

from __future__ import annotations

import html

# The head of a table, and its lines.
Cells = tuple[list[str], list[list[str]]]
CROWDED = 7  # columns, beyond which they are set in less room


def html_table(cells: Cells) -> str:
    """A table of escaped cells."""
    head, lines = cells
    titles = "".join(f"<th>{html.escape(title).replace('.', '.<wbr>')}</th>" for title in head)
    rows = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in line)}</tr>" for line in lines
    )
    kind = "stacked crowded" if len(head) > CROWDED else "stacked"
    return (
        f'<div class="scroll"><table class="{kind}">'
        f"<thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
