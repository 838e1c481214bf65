"""The contract of a ledger's storage, as tests: subclass `StorageContract`, and pytest runs them on yours.

```python
import pytest
from taskhandler.testing.contract import StorageContract


class TestShopLedger(StorageContract):
    opener = "shop_ledger:open_url"

    @pytest.fixture
    def url(self, tmp_path):
        return f"shop://{tmp_path}"
```

Some tests open the storage in processes of their own, which is why it is named and not handed in.
docs/storages.md says what each group of tests shows, and what no test can show.
"""

from __future__ import annotations

import pkgutil

try:
    import pytest
except ImportError as error:
    raise ImportError(
        "taskhandler.testing.contract needs pytest: pip install 'flask-taskhandler[testing]'"
    ) from error

# Before they are imported: their asserts say what was found.
pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)))

from taskhandler.testing.contract.ages import Ages
from taskhandler.testing.contract.batches import Batches
from taskhandler.testing.contract.closing import Closing
from taskhandler.testing.contract.dead_letters import DeadLetters
from taskhandler.testing.contract.fixtures import Batch
from taskhandler.testing.contract.keys import Keys
from taskhandler.testing.contract.pages import Pages
from taskhandler.testing.contract.processes import Processes
from taskhandler.testing.contract.records import Records
from taskhandler.testing.contract.retention import Retention
from taskhandler.testing.contract.threads import Threads
from taskhandler.testing.contract.versions import Versions
from taskhandler.testing.contract.writes import Writes

__all__ = ["Batch", "StorageContract"]


class StorageContract(  # the one place where inheritance is pytest's way to share tests
    Writes, Versions, DeadLetters, Batches, Records, Keys, Ages, Retention, Pages, Threads, Processes, Closing
):
    """All tests of the contract. A subclass names the storage; its name begins with `Test`.

    Attributes:
        opener: `module:function` of the function from a URL to the storage, as in an entry point. The
            default opens the URLs of installed entry points.
        is_joint: whether processes that open one URL see the same records.
        encoded_values: two values of fields of a newer version, as this storage encodes them.

    The fixture `url` names an empty ledger, a new one for each test. The fixture `batch` makes a `Batch` if
    the storage has batches.
    """
