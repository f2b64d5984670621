"""The public names of the package: the one list of them, for type checkers and, read at run time, for `__init__`."""

from duologue_mock.app import create_app as create_app
from duologue_mock.control_client.clock import ControlClock as ControlClock
from duologue_mock.control_client.control import MockControl as MockControl
from duologue_mock.control_client.errors import ControlAPIError as ControlAPIError
from duologue_mock.control_client.errors import WaitTimeoutError as WaitTimeoutError
from duologue_mock.control_client.events import ControlEvent as ControlEvent
from duologue_mock.control_client.journal import LoggedRequest as LoggedRequest
from duologue_mock.control_client.realtime import Channel as Channel
from duologue_mock.control_client.realtime import MessageStub as MessageStub
from duologue_mock.control_client.snapshots import Snapshot as Snapshot
from duologue_mock.control_client.snapshots import Snapshots as Snapshots
from duologue_mock.control_client.stubs import Stub as Stub
from duologue_mock.http.listening import PortInUseError as PortInUseError
from duologue_mock.server import MockServer as MockServer
from duologue_mock.settings import MockSettings as MockSettings
from duologue_mock.settings import ReplyRequest as ReplyRequest
from duologue_mock.settings import Settings as Settings
from duologue_mock.store import State as State
from duologue_mock.store.seed import FixtureError as FixtureError

__all__: list[str]
