"""Text by the screenful."""

from __future__ import annotations

PROMPT = "-- more -- ({first}-{last}/{total})"
PAGE, LINE, ALL, STOP = " fd", "\r\nj", "aG", "qQ\x03\x04"


class Pager:
    """Text that is shown piece by piece. A key decides how much comes next."""

    def __init__(self, text: str, columns: int, rows: int) -> None:
        self.lines = text.split("\n")
        self.columns = max(columns, 1)
        self.page = max(rows - 1, 1)
        self.shown = 0

    @property
    def done(self) -> bool:
        return self.shown >= len(self.lines)

    @property
    def prompt(self) -> str:
        return PROMPT.format(first=max(self.shown - self.page + 1, 1), last=self.shown, total=len(self.lines))

    def first(self) -> str:
        return self._take(self.page)

    def key(self, key: str) -> str | None:
        """What a key lets through; None for a key that means nothing here."""
        if key in STOP:
            self.lines, self.shown = [], 0
            return ""
        if key in ALL:
            return self._take(len(self.lines) * self.columns + self.page, everything=True)
        if key in LINE:
            return self._take(1)
        return self._take(self.page) if key in PAGE else None

    def _take(self, rows: int, *, everything: bool = False) -> str:
        """As many lines as fill so many rows of the screen, one at least."""
        start = self.shown
        while not self.done:
            rows -= max(1, -(-len(self.lines[self.shown]) // self.columns))
            if rows < 0 and self.shown > start and not everything:
                break
            self.shown += 1
        return "".join(f"{line}\n" for line in self.lines[start : self.shown])
