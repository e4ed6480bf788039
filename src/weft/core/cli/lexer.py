"""From a line of text to words: blanks, quotes, braces and comments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from .error import CliError, quote

LINE_LIMIT = 65536

LEXEME = re.compile(
    r"""(?P<blank> \s+ | \#[^\n]* )
      | "(?P<quoted> (?:[^"\\\n]|\\.)* )"
      | (?P<open> " )
      | (?P<brace> [{}] )
      | (?P<word> [^\s{}]+ )""",
    re.VERBOSE,
)
ESCAPE = re.compile(r"\\(.)")


class Token(Struct, frozen=True):
    """A word, where it stands in the line, and whether it was quoted (then it is never a keyword)."""

    text: str
    start: int
    end: int
    quoted: bool = False

    def is_brace(self, brace: str) -> bool:
        return self.text == brace and not self.quoted


def scan(line: str) -> Iterator[Token]:
    """The words of a line, whether or not its braces balance. Raises CliError."""
    if len(line) > LINE_LIMIT:
        raise CliError(f"line too long: {len(line)} characters, at most {LINE_LIMIT} are accepted")
    for found in LEXEME.finditer(line):
        kind, start, end = found.lastgroup, found.start(), found.end()
        if kind == "blank":
            continue
        if kind == "open":
            raise CliError(f'unbalanced quote at {quote(line[start:])}: expected a closing "')
        text = found[0]
        if not text.isprintable():
            raise CliError(f"control character in {quote(text)}: only printable text is accepted")
        if kind == "quoted":
            yield Token(ESCAPE.sub(r"\1", found["quoted"]), start, end, quoted=True)
        else:
            yield Token(text, start, end)


def tokenize(line: str) -> list[Token]:
    """The words of one complete command. Raises CliError, also when braces do not balance."""
    tokens = list(scan(line))
    opened: list[Token] = []
    for token in tokens:
        if token.is_brace("{"):
            opened.append(token)
        elif token.is_brace("}"):
            if not opened:
                raise CliError(f"unbalanced brace at {quote(line[token.start :])}: no {{ was open")
            opened.pop()
    if opened:
        raise CliError(f"unbalanced brace at {quote(line[opened[-1].start :])}: expected a closing }}")
    return tokens


def statements(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The commands of a script, each with the number of its first line: one a line, or more while a { is open.

    Raises nothing: what cannot be read fails where it is run.
    """
    began, depth, size = 0, 0, 0
    gathered: list[str] = []
    for number, line in enumerate(lines, 1):
        if not gathered:
            began = number
        gathered.append(line.rstrip("\r\n"))
        size += len(line)
        depth += brace_depth(line)
        if depth > 0 and size <= LINE_LIMIT:
            continue
        yield began, "\n".join(gathered)
        gathered, depth, size = [], 0, 0
    if gathered:
        yield began, "\n".join(gathered)


def brace_depth(line: str) -> int:
    """How many more braces a line opens than it closes; 0 for a line that cannot be read."""
    try:
        return sum(token.is_brace("{") - token.is_brace("}") for token in scan(line))
    except CliError:
        return 0
