"""Journals in a bucket: every writer has a file of its own, and all are read together."""

from __future__ import annotations

from program import until

from imfuse_tiles.storage.files import Files
from imfuse_tiles.storage.journal import Journal
from imfuse_tiles.storage.open_files import files_of

#: Modules without a test file of their own name in the folder of their room.
TESTED_MODULES = ("storage.object_log",)


def test_several_writers_of_a_journal_are_read_together(files: Files) -> None:
    journal = Journal(files, "k")
    journal.begin({"edge": 3})
    with journal.appending("part-1-of-2") as one, journal.appending("part-2-of-2") as two:
        one({"block": "a"})
        two({"block": "b"})
        one({"block": "c"})
    assert (journal.layout(), set(journal.completed_blocks())) == ({"edge": 3}, {"a", "b", "c"})
    with journal.appending() as record:
        record({"lost": "b"})
        record({"block": "d"})
    assert set(journal.completed_blocks()) == {"a", "c", "d"}


def test_a_single_writer_brings_all_lines_into_the_first_file(files: Files) -> None:
    journal = Journal(files, "k")
    journal.begin({"edge": 3})
    for number in range(5):
        with journal.appending("part-1-of-1") as record:
            record({"block": str(number)})
    with journal.appending():
        assert list(files.list_files(journal.parts_folder)) == []
    assert list(journal.completed_blocks()) == list("01234")


def test_a_torn_line_and_what_follows_it_do_not_count(files: Files) -> None:
    journal = Journal(files, "k")
    journal.begin({"edge": 3})
    with journal.appending() as record:
        record({"block": "a"})
        record({"block": "b"})
    name = next((name for name, _ in files.list_files(journal.parts_folder)), journal.head)
    files.write(name, files.read(name)[:-5])
    assert list(journal.completed_blocks()) == ["a"]


def test_beginning_anew_forgets_all_lines(files: Files) -> None:
    journal = Journal(files, "k")
    journal.begin({"edge": 3})
    with journal.appending("part-1-of-1") as record:
        record({"block": "a"})
    journal.begin({"edge": 4})
    assert (journal.layout(), journal.completed_blocks()) == ({"edge": 4}, {})
    journal.forget()
    assert (journal.layout(), list(files.list_files("journal"))) == (None, [])


def test_a_line_reaches_the_server_while_the_log_is_open(url: str) -> None:
    files = files_of(url)
    with files.appending("journal/k", 0) as add:
        add(b"line\n")
        assert until(lambda: list(files.list_files("journal/k.d")), pause=0.05)
        assert [files.read(name) for name, _ in files.list_files("journal/k.d")] == [b"line\n"]
