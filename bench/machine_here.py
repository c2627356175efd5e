"""What the machine is that was measured on."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path


def here() -> str:
    """One sentence: processor, kernel, Python, the load that others make, the day."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = next((line.partition(": ")[2] for line in cpuinfo.splitlines() if line.startswith("model name")), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kernel = platform.release().partition("-")[0]
    virtual = ", virtual" if "hypervisor" in cpuinfo else ""
    load = f"a load of {os.getloadavg()[0]:.1f} before it began"
    return (
        f"{os.cpu_count()} CPUs ({model}{virtual}), {memory:.0f} GiB, Linux {kernel}, "
        f"Python {platform.python_version()}, {load}, {datetime.now(UTC):%Y-%m-%d}"
    )
