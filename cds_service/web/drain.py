"""Whether the service is about to stop: said once, known to every worker process at once."""

from mmap import mmap


class Drain:
    """One bit in memory that is shared with every process that is forked from this one."""

    def __init__(self) -> None:
        self._bit = mmap(-1, 1)

    def begin(self) -> None:
        """From now on the service is about to stop."""
        self._bit[0] = 1

    @property
    def begun(self) -> bool:
        """Whether it is about to stop."""
        return bool(self._bit[0])
