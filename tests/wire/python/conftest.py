import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from server import Server  # noqa: E402


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A server that tests share; each makes contexts of its own."""
    folder = tmp_path_factory.mktemp("shared")
    server = Server(folder / "store", folder / "log")
    yield server
    assert server.alive(), f"the server died:\n{server.log()}"
    assert server.stop() == 0, server.log()


@pytest.fixture
def make_server(tmp_path):
    """Starts servers, and stops them in the end."""
    servers = []

    def make(store=None, *arguments, environment=None):
        server = Server(
            store or tmp_path / "store", tmp_path / f"log{len(servers)}", *arguments, environment=environment
        )
        servers.append(server)
        return server

    yield make
    for server in servers:
        if server.alive():
            server.kill()


@pytest.fixture
def context(request):
    """A name that no other test uses."""
    return "".join(letter if letter.isalnum() else "_" for letter in request.node.name)[:100]
