"""Starlette and FastAPI: `require` decorates a Starlette endpoint, `dependency` is for FastAPI's `Depends`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from poolhouse_client.errors import Refused
from poolhouse_client.guard import Admitted, Guard

Endpoint = Callable[..., Awaitable[Any]]


class AsgiGuard(Guard):
    """A Guard for ASGI. Who was let in stands in `request.state.poolhouse`."""

    def require(self, action: str, resource: str = "*", *, guests: bool = False) -> Callable[[Endpoint], Endpoint]:
        """Only for those who may; the endpoint's first argument is the request."""

        def decorate(endpoint: Endpoint) -> Endpoint:
            @wraps(endpoint)
            async def guarded(request: Request, *args: Any, **kwargs: Any) -> Any:
                try:
                    await self._admit(request, action, resource, guests)
                except Refused as refused:
                    return Response(refused.body, refused.status, refused.headers)
                return await endpoint(request, *args, **kwargs)

            return guarded

        return decorate

    def dependency(
        self, action: str, resource: str = "*", *, guests: bool = False
    ) -> Callable[[Request], Awaitable[Admitted]]:
        """`who: Annotated[Admitted, Depends(guard.dependency("photos:Read"))]`."""

        async def admit(request: Request) -> Admitted:
            try:
                return await self._admit(request, action, resource, guests)
            except Refused as refused:
                raise HTTPException(refused.status, str(refused), refused.headers) from refused

        # FastAPI reads annotations as they stand at run time.
        admit.__annotations__ = {"request": Request, "return": Admitted}
        return admit

    async def _admit(self, request: Request, action: str, resource: str, guests: bool) -> Admitted:
        # In a thread: a key or an answer may have to be fetched, and nobody else's request should wait for that.
        found = await run_in_threadpool(
            self.check, request.headers.get("authorization"), action, resource, request.path_params, guests=guests
        )
        request.state.poolhouse = found
        return found
