"""The clients: Flora, and AsyncFlora for asyncio."""

from __future__ import annotations

from flora_client.operations import PROFILE
from flora_client.resources.generations import AsyncGenerations, Generations
from flora_client.resources.models import AsyncModels, Models
from flora_client.resources.projects import AsyncProjects, Projects
from flora_client.resources.runs import AsyncRuns, Runs
from flora_client.resources.workspaces import AsyncWorkspaces, Workspaces
from flora_runtime.client import AsyncClient, SyncClient
from flora_runtime.core import Core


class Flora(SyncClient):
    """The blocking client of the FLORA API.

    Image, video, audio and text generations as asynchronous runs: start one, poll it until it
    is completed or failed, download its outputs.

    The key comes from `FLORA_API_KEY` and the server from
    `FLORA_BASE_URL` where they are not given.
    """

    profile = PROFILE

    @property
    def generations(self) -> Generations:
        """One-off runs of a single model, and the history of them."""
        return Generations(Core(self._session))

    @property
    def runs(self) -> Runs:
        """Older routes, kept for callers that still use them."""
        return Runs(Core(self._session))

    @property
    def models(self) -> Models:
        """What a generation can be made with."""
        return Models(Core(self._session))

    @property
    def workspaces(self) -> Workspaces:
        """What is billed, and holds projects."""
        return Workspaces(Core(self._session))

    @property
    def projects(self) -> Projects:
        """Where the results of a generation belong."""
        return Projects(Core(self._session))


class AsyncFlora(AsyncClient):
    """The asynchronous client of the FLORA API.

    Image, video, audio and text generations as asynchronous runs: start one, poll it until it
    is completed or failed, download its outputs.

    The key comes from `FLORA_API_KEY` and the server from
    `FLORA_BASE_URL` where they are not given.
    """

    profile = PROFILE

    @property
    def generations(self) -> AsyncGenerations:
        """One-off runs of a single model, and the history of them."""
        return AsyncGenerations(Core(self._session))

    @property
    def runs(self) -> AsyncRuns:
        """Older routes, kept for callers that still use them."""
        return AsyncRuns(Core(self._session))

    @property
    def models(self) -> AsyncModels:
        """What a generation can be made with."""
        return AsyncModels(Core(self._session))

    @property
    def workspaces(self) -> AsyncWorkspaces:
        """What is billed, and holds projects."""
        return AsyncWorkspaces(Core(self._session))

    @property
    def projects(self) -> AsyncProjects:
        """Where the results of a generation belong."""
        return AsyncProjects(Core(self._session))
