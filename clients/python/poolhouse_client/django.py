"""Django: `@guard.require("photos:Read", resource="photos/${sub}/{name}")` over a view; see `request.poolhouse`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from poolhouse_client.errors import Refused
from poolhouse_client.guard import Guard

View = Callable[..., Any]


class DjangoGuard(Guard):
    """A Guard whose `require` decorates Django's function views; class-based ones by `method_decorator`."""

    def require(self, action: str, resource: str = "*", *, guests: bool = False) -> Callable[[View], View]:
        """Only for those who may; parameters of the route fill in the resource."""

        def decorate(view: View) -> View:
            @wraps(view)
            def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                try:
                    admitted = self.check(request.headers.get("Authorization"), action, resource, kwargs, guests=guests)
                except Refused as refused:
                    return HttpResponse(refused.body, status=refused.status, headers=refused.headers)
                request.poolhouse = admitted
                return view(request, *args, **kwargs)

            return guarded

        return decorate
