"""Makes docs/images/terminal.svg: commands of the README and what a terminal shows of them.

    lstm-sentiment fit
    python docs/make_terminal_picture.py --model models/sentiment --test runs/NAME/test.csv

The commands are those of the README's block that holds `explain`. They run in a folder of their
own, in a terminal with colours; nothing that they print to standard output is left out or changed.
The picture needs no font from elsewhere: the reader's fonts are used, Chinese ones too.
"""

import argparse
import html
import io
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import termios
from collections.abc import Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "terminal.svg"
README = ROOT / "README.md"
COLUMNS, LINES = 80, 50
# Of the picture where it is shown in its own size: letters as large as those of a page's code.
WIDTH = 680

_THEME = TerminalTheme(
    (17, 24, 39),
    (229, 231, 235),
    [
        (55, 65, 81),
        (248, 113, 113),
        (74, 222, 128),
        (250, 204, 21),
        (96, 165, 250),
        (192, 132, 252),
        (45, 212, 191),
        (229, 231, 235),
    ],
)

# Rich's own has fonts that a browser would fetch.
_SVG = """\
<svg viewBox="0 0 {width} {height}" width="WIDTH" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono",
    "Noto Sans Mono CJK SC", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", monospace;
  font-size: {char_height}px; line-height: {line_height}px; white-space: pre;
}}
.{unique_id}-title {{ font: bold 18px system-ui, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main() -> None:
    """Reads the flags, runs the commands, writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a folder of versions")
    parser.add_argument("--test", type=Path, required=True, help="the test set of its run")
    parser.add_argument("--output", type=Path, default=PICTURE)
    chosen = parser.parse_args()
    lines: list[Text] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(chosen.model, folder / "models" / "sentiment")
        run = folder / "runs" / chosen.test.absolute().parent.name
        run.mkdir(parents=True)
        shutil.copy(chosen.test, run / "test.csv")
        for command in commands():
            lines.append(Text.assemble(("$ ", "bold green"), (command, "bold")))
            shown = printed(command, folder).strip("\n")
            lines += [Text.from_ansi(line) for line in shown.split("\n")]
            lines.append(Text())
    chosen.output.write_text(picture(lines[:-1]), "utf-8")


def commands() -> list[str]:
    """Returns the commands of the README's block that looks at a trained version."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return next(block.splitlines() for block in blocks if " explain " in block)


def picture(lines: Sequence[Text]) -> str:
    """Draws a terminal, whose lines are folded where they are too long."""
    console = Console(
        record=True,
        width=COLUMNS,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
    )
    for line in lines:
        console.print(line, overflow="fold", highlight=False)
    code_format = _SVG.replace("WIDTH", str(WIDTH))
    return in_cells(
        console.export_svg(
            title="lstm_sentiment", theme=_THEME, code_format=code_format, unique_id="terminal"
        )
    )


def printed(command: str, folder: Path) -> str:
    """Returns the output of a command in a colour terminal, without its progress."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (LINES, COLUMNS))
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "COLUMNS": str(COLUMNS),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    with subprocess.Popen(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(theirs)
        parts = []
        try:
            while part := os.read(ours, 65_536):
                parts.append(part)
        except OSError:  # how Linux says that the other side is closed
            pass
        os.close(ours)
        assert process.stderr is not None
        told = process.stderr.read().decode()
    if process.returncode:
        raise SystemExit(f"error: {command}: exit code {process.returncode}: {told}")
    return b"".join(parts).decode().replace("\r\n", "\n")


def in_cells(svg: str) -> str:
    """Places every run of narrow or wide characters on its own; a wide one takes two cells.

    Rich computes lengths of text in characters, not in cells, which presses Chinese together.
    """
    width = float(re.findall(r'textLength="([\d.]+)"[^>]*>([^<]+)<', svg)[0][0])
    width /= len(html.unescape(re.findall(r'textLength="[\d.]+"[^>]*>([^<]+)<', svg)[0]))

    def placed(match: re.Match[str]) -> str:
        before, x, middle, content = match["before"], float(match["x"]), match["middle"], match["t"]
        made = []
        for run in _runs(html.unescape(content).replace("\u00a0", " ")):
            length = cell_len(run) * width
            if run.strip():
                text = html.escape(run).replace(" ", "&#160;")
                made.append(
                    f'<text {before}x="{x:g}"{middle}textLength="{length:g}"{match["after"]}>'
                    f"{text}</text>"
                )
            x += length
        return "\n".join(made)

    return re.sub(
        r'<text (?P<before>class="[^"]*-r\d+" )x="(?P<x>[\d.]+)"(?P<middle>[^>]*?)'
        r'textLength="[\d.]+"(?P<after>[^>]*)>(?P<t>[^<]*)</text>',
        placed,
        svg,
    )


def _runs(text: str) -> list[str]:
    runs: list[str] = []
    for character in text:
        if runs and cell_len(runs[-1][-1]) == cell_len(character):
            runs[-1] += character
        else:
            runs.append(character)
    return runs


if __name__ == "__main__":
    main()
