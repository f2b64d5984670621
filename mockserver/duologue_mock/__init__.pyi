"""The public names of the package: the one list of them, for type checkers and, read at run time, for `__init__`."""

from duologue_mock.app import create_app as create_app
from duologue_mock.server import MockServer as MockServer
from duologue_mock.server import PortInUseError as PortInUseError
from duologue_mock.settings import MockSettings as MockSettings
from duologue_mock.settings import ReplyRequest as ReplyRequest
from duologue_mock.settings import Settings as Settings
from duologue_mock.store import State as State
from duologue_mock.store.seed import FixtureError as FixtureError

__all__: list[str]
