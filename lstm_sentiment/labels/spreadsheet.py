"""Cells of a CSV file that a spreadsheet opens."""

_FORMULAS = tuple("=+-@＝＋－＠")


def guarded(cell: str) -> str:
    """Returns a cell with a space before what a spreadsheet would take for a formula.

    Numbers stay as they are. Whitespace around texts and labels is not read here.
    """
    if not cell.startswith(_FORMULAS):
        return cell
    try:
        float(cell)
    except ValueError:
        return f" {cell}"
    return cell
