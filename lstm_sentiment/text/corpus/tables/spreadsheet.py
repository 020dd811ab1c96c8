"""Cells of a CSV file that a spreadsheet opens."""

_FORMULAS = tuple("=+-@＝＋－＠\t\r")


def guarded(cell: str) -> str:
    """Returns a cell with a space before what a spreadsheet would take for a formula.

    That is a cell that begins with `=`, `+`, `-`, `@`, one of these in full width, a tab or a
    carriage return. Numbers stay as they are. Whitespace around texts and labels is not read here,
    so a guarded text or label is read as what it was.
    """
    if not cell.startswith(_FORMULAS):
        return cell
    try:
        float(cell)
    except ValueError:
        return f" {cell}"
    return cell
