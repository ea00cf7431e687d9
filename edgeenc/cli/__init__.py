"""The command line: each command a few lines, heavy imports inside, every mistake with its exit code.

0 ok, 1 unexpected, 2 usage, 3 gate failed, 4 budget cannot be met, 5 input, 6 environment, 130 interrupted and
resumable.
"""

from __future__ import annotations

import gc
import signal
import sys
from pathlib import Path
from typing import NoReturn

import click

from edgeenc import __version__
from edgeenc.cli.bench import bench
from edgeenc.cli.build import build, plan
from edgeenc.cli.compare import compare
from edgeenc.cli.convert import convert
from edgeenc.cli.fetch import fetch
from edgeenc.cli.look import doctor, inspect, verify
from edgeenc.cli.recipes import recipes
from edgeenc.cli.report import report
from edgeenc.cli.stop import Stop
from edgeenc.cli.store import store
from edgeenc.errors import EdgeencError, Interrupted

INTERRUPTED = Interrupted("stopped; what is finished is kept, and the same command goes on from here")


def main() -> NoReturn:
    """Run the command line; turn every failure of ours into its words and its exit code."""
    gc.set_threshold(100_000)  # a large tokenizer is 250,000 small lists, among which there is nothing to collect
    stop = Stop()
    signal.signal(signal.SIGINT, stop)
    try:
        code = cli(standalone_mode=False, obj=stop)
        stop.check()  # no command ends well after a Ctrl-C that was lost, whichever it is
        sys.exit(code)
    except click.ClickException as mistake:
        mistake.show()
        sys.exit(mistake.exit_code)
    except (click.Abort, KeyboardInterrupt):
        failed(INTERRUPTED)
    except EdgeencError as error:
        failed(INTERRUPTED if stop.asked else error)
    except Exception as error:
        if stop.asked:
            failed(INTERRUPTED)
        if not isinstance(error, OSError):
            raise
        from edgeenc.machine.disk import host_error  # for what no step has put into words

        failed(host_error(error, Path.cwd()))


def failed(error: EdgeencError) -> NoReturn:
    """Print the message of a failure and leave with its exit code."""
    click.echo(f"Error: {error}", err=True)
    sys.exit(error.exit_code)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="edgeenc")
def cli() -> None:
    """Make a small, fast, verified model of one language out of a multilingual encoder."""


for command in (build, plan, fetch, convert, bench, report, compare, recipes, verify, inspect, doctor, store):
    cli.add_command(command)
