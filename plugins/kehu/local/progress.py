"""The terminal's view of a night: a line as each stage ends, a table at the end. Reads the run store only."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kehu.warehouse import runs
from kehu.warehouse.quarantine import quarantined_in


class Progress:
    """Shows the stages of runs opened after it was made; call `update` as often as you like."""

    def __init__(self, url: str, console: Console) -> None:
        self.url = url
        self.console = console
        self.first_run = runs.newest_run_id(url)
        self._told: set[tuple[int, str, str]] = set()
        self._headed: set[int] = set()

    def update(self) -> str:
        """Print what ended since the last call; return what runs now, in words."""
        now = "starting"
        for run in runs.runs_since(self.url, self.first_run):
            run_id = run["run_id"]
            if run_id not in self._headed:
                self._headed.add(run_id)
                self.console.print(f"[bold]night of {run['as_of_date']}[/bold] (run {run_id})")
            for stage in runs.stages(self.url, run_id):
                if stage.state == "running":
                    now = f"night of {run['as_of_date']}: {stage.stage}"
                elif (run_id, stage.stage, str(stage.started_at)) not in self._told:
                    self._told.add((run_id, stage.stage, str(stage.started_at)))
                    self._tell(run_id, stage)
        return now

    def last_run(self) -> int | None:
        """The newest run seen, None before the first."""
        return max(self._headed, default=None)

    def errors(self) -> list[str]:
        """Messages of failed stages of the newest run."""
        run_id = self.last_run()
        return [s.error for s in runs.stages(self.url, run_id) if s.error] if run_id else []

    def table(self) -> None:
        """Print the table of the newest run, and the rows it quarantined."""
        run_id = self.last_run()
        if run_id is None:
            return
        table = Table("stage", "rows in", "rows out", "quarantined", "seconds", title=None)
        for column in table.columns[1:]:
            column.justify = "right"
        for stage in runs.stages(self.url, run_id):
            seconds = f"{stage.seconds:.1f}" if stage.seconds is not None else ""
            table.add_row(stage.stage, _n(stage.rows_in), _n(stage.rows_out), _n(stage.quarantined), seconds)
        self.console.print(table)
        for stage in runs.stages(self.url, run_id):
            if stage.error:
                self.console.print(f"[red]failed: {stage.stage}: {escape(stage.error)}[/red]", highlight=False)
        for line in quarantined_in(self.url, run_id):
            self.console.print(f"quarantined: {escape(line)}", highlight=False)

    def _tell(self, run_id: int, stage: runs.Stage) -> None:
        mark = "[green]ok    [/green]" if stage.state == "success" else "[red]failed[/red]"
        rows = f"{_n(stage.rows_in):>11} → {_n(stage.rows_out):>11} rows" if stage.rows_out is not None else ""
        self.console.print(f"  {mark} {stage.stage:<19} {stage.seconds or 0:6.1f} s {rows}", highlight=False)
        if stage.error:
            self.console.print(f"         [red]{escape(stage.error)}[/red]", highlight=False)


def _n(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
