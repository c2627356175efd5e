"""What only a shell understands; /bin/sh itself is the judge where it can be asked without harm."""

import shlex
import subprocess

import pytest

from rocketd.core.shell_syntax import has_operator, needs_shell

PLAIN = [
    "rsync -a 'x y'", "echo 'a | b'", 'echo "a | b"', r"echo \$HOME a\ b", "echo a~b", "echo a#b",
    "echo 10% a,b c:d e@f +x",
    "find . -name '*.py' -exec true {} +", "test ! -e x", "echo 'it'\\''s'", "echo a=b", "./run --all",
    "exports", "iffy x",
]  # fmt: skip
SHELL = [
    "false | true", "a || b", "a && b", "a & b", "a &", "a; b", "a;b", "cat <x", "a >b", "a 2>&1", "echo $HOME",
    'echo "$HOME"', "echo `date`", 'echo "`date`"', "echo $(date)", "(a)", "ls *.txt", "ls a?", "ls [ab]", "ls ~",
    "ls ~user/x", "X=~/y", "X=1 cmd", "a\nb", "echo # x", "! a", "cd /x", "exit 1", "export X",
    ". /etc/x", "if a", "ulimit -n 4", "  cd x", "echo 'a' > b",
]  # fmt: skip


@pytest.mark.parametrize("text", PLAIN)
def test_words_and_quotes_need_no_shell(text: str) -> None:
    assert not needs_shell(text)
    assert not has_operator(text)


@pytest.mark.parametrize("text", [text for text in PLAIN if text.startswith("echo ")])
def test_what_needs_no_shell_is_the_same_to_one(text: str) -> None:
    said = subprocess.run(["/bin/sh", "-c", text], capture_output=True, text=True, check=True).stdout
    assert said == " ".join(shlex.split(text)[1:]) + "\n"


@pytest.mark.parametrize("text", SHELL)
def test_what_a_shell_gives_a_meaning_to_needs_one(text: str) -> None:
    assert needs_shell(text)


@pytest.mark.parametrize(
    "text", ["false | true", "a || b", "a && b", "a &", "a; b", "a > b", "a >b", "a 2>&1", "a <x", "'a' | b"]
)
def test_a_word_that_is_an_operator_of_the_shell(text: str) -> None:
    assert has_operator(text)


@pytest.mark.parametrize(
    "text",
    [
        "curl http://x/?a=1&b=2",
        "grep a|b",
        "find . -exec rm {} ;",
        "echo $HOME",
        "ls *.txt",
        r"find . -exec rm {} \;",
        "a",
    ],
)
def test_a_word_with_a_sign_in_it_may_be_meant_for_the_program(text: str) -> None:
    assert not has_operator(text)
