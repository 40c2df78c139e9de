import subprocess
import sys

import pytest

# like steps of a training: twenty tensors of 8 MB made and freed; counts pages that the kernel had to make
_COUNT = """
import resource, sys, numpy as np
from dnabert.models.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
for _ in range(20):
    tensors = [np.full(1 << 20, 1.0) for _ in range(20)]
    del tensors
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_freed_memory_is_used_again():
    faults = {
        how: int(subprocess.run([sys.executable, "-c", _COUNT, how], capture_output=True, text=True, check=True).stdout)
        for how in ("keep", "leave")
    }
    assert faults["keep"] < faults["leave"] / 4  # 1/20 where all is made once; how many pages 8 MB are is the kernel's
