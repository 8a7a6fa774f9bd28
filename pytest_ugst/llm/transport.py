"""HTTP transport of requests to model servers: aiohttp on the hot path, the ``openai`` package for Azure.

One request costs aiohttp some 0.5 ms of CPU; the high-level ``openai`` client ten times that. So plain servers are
called with aiohttp directly, with a body that was serialised once, and an address and headers made once per server.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from pytest_ugst.core.version import __version__

if TYPE_CHECKING:
    from openai import AsyncAzureOpenAI

MAX_RESPONSE = 32 * 1024 * 1024
"""Maximum size of a decompressed response in bytes; a longer one is refused."""
_LARGE_BODY = 1024 * 1024
"""Size in bytes from which a body is passed as a file, since aiohttp warns of longer ones otherwise."""
_CONNECT_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A server's response, whatever its status."""

    status: int
    body: bytes
    retry_after: str | None = None
    """The header ``Retry-After``."""
    location: str | None = None
    """The header ``Location`` of a redirect."""


class ConnectionLostError(Exception):
    """Raised if no response came: the connection failed, broke or took too long.

    Args:
        reason: How the connection was lost, in a few words.
        timeout: Whether there was a connection, and the server was too slow.
        fatal: Whether another try can't end differently.
    """

    def __init__(self, reason: str, *, timeout: bool = False, fatal: bool = False) -> None:
        """Store the reason as the message."""
        super().__init__(reason)
        self.timeout = timeout
        self.fatal = fatal


class Transport(Protocol):
    """The interface through which requests are sent to one server."""

    async def post(self, raw: bytes, body: Mapping[str, Any]) -> RawResponse:
        """Send a chat completions request.

        Args:
            raw: The request, serialised.
            body: The same request, not serialised, for clients that serialise it themselves.

        Raises:
            ConnectionLostError: If no response came.
        """

    async def models(self) -> RawResponse:
        """Request the list of models.

        Raises:
            ConnectionLostError: If no response came.
        """

    async def close(self) -> None:
        """Release what belongs to this transport alone."""


class HttpSessions:
    """An aiohttp session per event loop, shared by all servers."""

    def __init__(self) -> None:
        """Set up without opening a session: that needs a running event loop."""
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def get(self) -> aiohttp.ClientSession:
        """Return the running loop's session; open it at its first use."""
        session = self._session
        # get_running_loop is a C call; comparing identities keeps this free.
        if session is not None and self._loop is asyncio.get_running_loop():
            return session
        self._loop = asyncio.get_running_loop()
        self._session = aiohttp.ClientSession(
            # The limiter bounds the requests in flight; a second bound here could only stall.
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, keepalive_timeout=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            raise_for_status=False,
        )
        return self._session

    async def close(self) -> None:
        """Close the session, if its loop still runs."""
        session, self._session = self._session, None
        if session is not None and self._loop is asyncio.get_running_loop():
            await session.close()


class HttpTransport:
    """A transport to a server that offers chat completions over HTTP."""

    def __init__(self, sessions: HttpSessions, base_url: str, key: str | None, timeout: float) -> None:
        """Set up addresses and headers once for all requests.

        Args:
            sessions: The shared sessions.
            base_url: The server's address up to and including ``/v1``.
            key: The API key, or None.
            timeout: Seconds for one request.
        """
        self._sessions = sessions
        self._completions = URL(f"{base_url}/chat/completions")
        self._models = URL(f"{base_url}/models")
        self._headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": f"pytest-ugst/{__version__}",
        }
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=min(timeout, _CONNECT_TIMEOUT))
        self._seconds = timeout
        self._proxy = _proxy_for(base_url)

    async def post(self, raw: bytes, body: Mapping[str, Any]) -> RawResponse:
        """Send a chat completions request."""
        return await self._send("POST", self._completions, raw if len(raw) < _LARGE_BODY else io.BytesIO(raw))

    async def models(self) -> RawResponse:
        """Request the list of models."""
        return await self._send("GET", self._models, None)

    async def close(self) -> None:
        """Do nothing: the session belongs to the pool."""

    async def _send(self, method: str, url: URL, data: bytes | io.BytesIO | None) -> RawResponse:
        response: aiohttp.ClientResponse | None = None
        try:
            response = await self._sessions.get().request(
                method,
                url,
                data=data,
                headers=self._headers,
                timeout=self._timeout,
                proxy=self._proxy,
                # A redirect would send key and conversation to an address that nobody configured.
                allow_redirects=False,
            )
            chunks, size = [], 0
            async for chunk in response.content.iter_any():
                size += len(chunk)
                if size > MAX_RESPONSE:
                    raise ConnectionLostError(f"the response is longer than {MAX_RESPONSE // 2**20} MiB", fatal=True)
                chunks.append(chunk)
            headers = response.headers
            return RawResponse(
                response.status,
                chunks[0] if len(chunks) == 1 else b"".join(chunks),
                headers.get("Retry-After"),
                headers.get("Location") if 300 <= response.status < 400 else None,
            )
        except aiohttp.ConnectionTimeoutError:
            raise ConnectionLostError(
                f"can't connect (no connection within {self._timeout.sock_connect:g} s)"
            ) from None
        except TimeoutError:
            raise ConnectionLostError(f"no answer within {self._seconds:g} s", timeout=True) from None
        except aiohttp.ClientConnectorCertificateError as error:
            # Before aiohttp 3.14 this error's os_error is not set.
            raise ConnectionLostError(f"can't connect ({_describe(error.certificate_error)})") from None
        except aiohttp.ClientConnectorError as error:
            raise ConnectionLostError(f"can't connect ({_describe(error.os_error)})") from None
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionLostError(f"the connection broke ({_describe(error)})") from None
        finally:
            # A response that was read to its end has already given its connection back; a cut-off one must not.
            if response is not None and not response.content.at_eof():
                response.close()


class AzureTransport:
    """A transport to a deployment on Azure, by the ``openai`` package, which builds its addresses and authenticates."""

    def __init__(self, base_url: str, model: str, api_version: str | None, key: str | None, timeout: float) -> None:
        """Set up without importing ``openai``; the client is made at its first use.

        Args:
            base_url: The address of the Azure resource.
            model: The name of the deployment.
            api_version: The version of Azure's API.
            key: The API key, or None.
            timeout: Seconds for one request.
        """
        self._base_url = base_url
        self._model = model
        self._api_version = api_version
        self._key = key
        self._seconds = timeout
        self._opened: AsyncAzureOpenAI | None = None

    @property
    def _client(self) -> AsyncAzureOpenAI:
        if self._opened is None:
            from openai import AsyncAzureOpenAI

            endpoint = self._base_url.removesuffix("/openai")
            self._opened = AsyncAzureOpenAI(
                azure_endpoint=endpoint,
                azure_deployment=self._model,
                api_version=self._api_version,
                api_key=self._key,
                timeout=self._seconds,
                max_retries=0,
            )
        return self._opened

    async def post(self, raw: bytes, body: Mapping[str, Any]) -> RawResponse:
        """Send a chat completions request."""
        import openai

        try:
            # The low-level post: no transform of the messages, no response models.
            text: str = await self._client.post("/chat/completions", cast_to=str, body=dict(body))
        except openai.APIStatusError as error:
            headers = error.response.headers
            return RawResponse(error.status_code, error.response.content, headers.get("retry-after"))
        except openai.APITimeoutError:
            raise ConnectionLostError(f"no answer within {self._seconds:g} s", timeout=True) from None
        except openai.APIConnectionError as error:
            raise ConnectionLostError(f"can't connect ({_describe(error.__cause__ or error)})") from None
        except openai.OpenAIError as error:
            raise ConnectionLostError(_describe(error), fatal=True) from None
        if len(text) > MAX_RESPONSE:
            raise ConnectionLostError(f"the response is longer than {MAX_RESPONSE // 2**20} MiB", fatal=True)
        return RawResponse(200, text.encode())

    async def models(self) -> RawResponse:
        """Return an empty 404 response without a request: Azure lists what could be deployed, not what is."""
        return RawResponse(404, b"")

    async def close(self) -> None:
        """Close the client's connections."""
        if self._opened is not None:
            await self._opened.close()
            self._opened = None


def _describe(error: BaseException) -> str:
    """Return an exception's type and message in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def _proxy_for(base_url: str) -> str | None:
    """Return the proxy that the environment names for an address, or None.

    Looked up once per server, since aiohttp would do it anew for every request.
    """
    parts = urlsplit(base_url)
    proxy = getproxies().get(parts.scheme)
    if proxy is None or proxy_bypass(parts.netloc) or parts.hostname in ("localhost", "127.0.0.1", "::1"):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
