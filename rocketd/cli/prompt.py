"""Asks whoever is at the terminal."""

import sys

from rocketd.cli.exit_codes import Failure


def ask(question: str, allowed: str) -> str:
    """Ask until one of these letters is answered; raises Failure if nobody is there who could answer."""
    while True:
        if not sys.stdin or not sys.stdin.isatty():
            msg = f"{question} Nobody is here to answer"
            raise Failure(msg, hint="use a terminal, or --yes")
        sys.stderr.write(f"{question} [{'/'.join(allowed)}] ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            msg = "no answer"
            raise Failure(msg)
        if (answer := line.strip().lower()[:1]) and answer in allowed:
            return answer
