"""ASK where a proved change writes data of another form than before: a lost column, only nulls, keys that repeat.

The task passes, and so may a dashboard; what the numbers mean is a person's decision.
"""

from __future__ import annotations

from collections.abc import Iterator

from airflow_agentic.records import Decision, Finding, Proof, Proposal, TableDiff


class WrittenDataRule:
    """Compares what green wrote with the last good interval's tables and with those that red left."""

    name = "written_data"

    def check(self, proposal: Proposal, proof: Proof) -> Iterator[Finding]:
        """Return one ASK a table with another form; nothing where nothing is changed."""
        if proposal.change is None:
            return
        said = {(diff.table, words) for diff in (*proof.data_diff, *proof.against_good) for words in _odd(diff)}
        for table, words in sorted(said):
            yield Finding(rule=self.name, decision=Decision.ASK, message=f"Table {table!r}: {words}.")


def _odd(diff: TableDiff) -> Iterator[str]:
    for names, words in (
        (diff.lost, "with the change it has no column any more called"),
        (diff.retyped, "with the change a column has another type:"),
        (diff.emptied, "with the change every new row is null, as none was before, in"),
        (diff.duplicated, "with the change rows are no longer told apart by"),
    ):
        if names:
            yield f"{words} {', '.join(names[:10])}"
