"""How the work on a cohort is shared: processes of one machine, a cluster's jobs, or shards of an array job."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from tlesynth.recipe.section import Section


def _as_clock(value: Any) -> Any:
    """YAML reads an unquoted 12:00:00 as 43200."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value // 3600:02d}:{value % 3600 // 60:02d}:{value % 60:02d}"
    return value


Walltime = Annotated[str, BeforeValidator(_as_clock), Field(pattern=r"^(\d{1,2}-)?\d{1,3}:\d{2}:\d{2}$")]


class Sharing(Section):
    """Who does which subject; nothing here changes a voxel."""

    backend: Literal["joblib", "dask"] = "joblib"
    """``joblib``: processes of this machine; ``dask``: a cluster (needs the extra tlesynth[cluster])."""
    cluster: Literal["slurm", "pbs", "sge", "local"] = "slurm"
    """Where dask's workers run; ``local`` is this machine."""
    workers: Annotated[int, Field(ge=1, le=1024)] = 8
    """Jobs to submit, each doing one subject at a time."""
    queue: str | None = None
    """Queue or partition; none means the cluster's default."""
    cores: Annotated[int, Field(ge=1, le=256)] = 1
    memory: Annotated[str, Field(pattern=r"^\d+(\.\d+)? ?[KMGT]i?B$")] = "8GB"
    """What a job asks for."""
    walltime: Walltime = "04:00:00"
    extra: tuple[str, ...] = ()
    """More directives of the job script, such as ``--account=lab``."""
    shard: Annotated[str, Field(pattern=r"^(\d{1,6}/\d{1,6})?$")] = ""
    """``2/8``: the second of eight runs that share one output folder, as in an array job; empty means all."""

    @property
    def part(self) -> tuple[int, int]:
        """(i, N) of ``shard``; (1, 1) where it is empty."""
        number, _, of = (self.shard or "1/1").partition("/")
        return int(number), int(of)

    @model_validator(mode="after")
    def _shard_exists(self) -> Sharing:
        number, of = self.part
        if not 1 <= number <= of:
            raise ValueError(f"shard {self.shard}: the first number goes from 1 to the second")
        return self
