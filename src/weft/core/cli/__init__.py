"""The command line: commands as declarations, and a line in, text out. See command.py and grammar.py."""

from . import builtin as _builtin
from . import macros as _macros
from . import terminals as _terminals
from . import values as _values
from .argument import ARGUMENTS, Argument, argument
from .cli import Cli
from .command import COMMANDS, Command, CommandTable, command, describe_words
from .error import CliError
from .session import Session, current

__all__ = [
    "ARGUMENTS",
    "COMMANDS",
    "Argument",
    "Cli",
    "CliError",
    "Command",
    "CommandTable",
    "Session",
    "argument",
    "command",
    "current",
    "describe_words",
]
del _builtin, _macros, _terminals, _values
