"""Bytes to a model server and back: the hot path over aiohttp, and the ``openai`` package for Azure.

One request costs aiohttp some 0.5 ms of CPU; the high-level ``openai`` client ten times that. So plain servers are
spoken to by aiohttp itself, with a body that was serialised once, a parsed address and headers made once per server.
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

from pytest_ugst import __version__

if TYPE_CHECKING:
    from openai import AsyncAzureOpenAI

MAX_RESPONSE = 32 * 1024 * 1024
"""Bytes of a response, decompressed; a longer one is refused."""
_LARGE_BODY = 1024 * 1024
"""aiohttp warns of longer bodies unless they are handed over as a file."""
_CONNECT_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What a server sent back, whatever its status."""

    status: int
    body: bytes
    retry_after: str | None = None
    location: str | None = None


class ConnectionLostError(Exception):
    """No answer came: the connection failed, broke or took too long. The message says how, in a few words."""

    def __init__(self, reason: str, *, timeout: bool = False, fatal: bool = False) -> None:
        super().__init__(reason)
        self.timeout = timeout
        """Whether there was a connection, and the server was too slow."""
        self.fatal = fatal
        """Whether another try can't end differently."""


class Transport(Protocol):
    """How requests to one server travel."""

    async def post(self, raw: bytes, body: Mapping[str, Any]) -> RawAnswer:
        """Send a chat completions request, given both serialised and not.

        Raises:
            Lost: If no answer came.
        """

    async def models(self) -> RawAnswer:
        """Ask which models there are.

        Raises:
            Lost: If no answer came.
        """

    async def close(self) -> None:
        """Give back what belongs to this transport alone."""


class Sessions:
    """One aiohttp session per event loop, shared by all servers."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def get(self) -> aiohttp.ClientSession:
        """The running loop's session, made at its first use."""
        session = self._session
        # get_running_loop is a C call; comparing identities keeps this free.
        if session is not None and self._loop is asyncio.get_running_loop():
            return session
        self._loop = asyncio.get_running_loop()
        self._session = aiohttp.ClientSession(
            # The limiter bounds what is under way; a second bound here could only stall.
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
    """A server that speaks chat completions over HTTP."""

    def __init__(self, sessions: Sessions, base_url: str, key: str | None, timeout: float) -> None:
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

    async def post(self, raw: bytes, body: Mapping[str, Any]) -> RawAnswer:
        """Send a chat completions request."""
        return await self._send("POST", self._completions, raw if len(raw) < _LARGE_BODY else io.BytesIO(raw))

    async def models(self) -> RawAnswer:
        """Ask which models there are."""
        return await self._send("GET", self._models, None)

    async def close(self) -> None:
        """The session belongs to the pool."""

    async def _send(self, method: str, url: URL, data: bytes | io.BytesIO | None) -> RawAnswer:
        response: aiohttp.ClientResponse | None = None
        try:
            response = await self._sessions.get().request(
                method,
                url,
                data=data,
                headers=self._headers,
                timeout=self._timeout,
                proxy=self._proxy,
                # A redirect would carry key and conversation to where nobody meant them to go.
                allow_redirects=False,
            )
            chunks, size = [], 0
            async for chunk in response.content.iter_any():
                size += len(chunk)
                if size > MAX_RESPONSE:
                    raise ConnectionLostError(f"the response is longer than {MAX_RESPONSE // 2**20} MiB", fatal=True)
                chunks.append(chunk)
            headers = response.headers
            return RawAnswer(
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
        except aiohttp.ClientConnectorError as error:
            raise ConnectionLostError(f"can't connect ({_plain(error.os_error)})") from None
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionLostError(f"the connection broke ({_plain(error)})") from None
        finally:
            # A response that was read to its end has already given its connection back; a cut-off one must not.
            if response is not None and not response.content.at_eof():
                response.close()


class AzureTransport:
    """A deployment on Azure, by the ``openai`` package, which knows its addresses and ways to authenticate."""

    def __init__(self, base_url: str, model: str, api_version: str | None, key: str | None, timeout: float) -> None:
        self._base_url = base_url
        self._model = model
        self._api_version = api_version
        self._key = key
        self._seconds = timeout
        self._made: AsyncAzureOpenAI | None = None

    @property
    def _client(self) -> AsyncAzureOpenAI:
        if self._made is None:
            from openai import AsyncAzureOpenAI

            endpoint = self._base_url.removesuffix("/openai")
            self._made = AsyncAzureOpenAI(
                azure_endpoint=endpoint,
                azure_deployment=self._model,
                api_version=self._api_version,
                api_key=self._key,
                timeout=self._seconds,
                max_retries=0,
            )
        return self._made

    async def post(self, raw: bytes, body: Mapping[str, Any]) -> RawAnswer:
        """Send a chat completions request."""
        import openai

        try:
            # The low-level post: no transform of the messages, no response models.
            text: str = await self._client.post("/chat/completions", cast_to=str, body=dict(body))
        except openai.APIStatusError as error:
            headers = error.response.headers
            return RawAnswer(error.status_code, error.response.content, headers.get("retry-after"))
        except openai.APITimeoutError:
            raise ConnectionLostError(f"no answer within {self._seconds:g} s", timeout=True) from None
        except openai.APIConnectionError as error:
            raise ConnectionLostError(f"can't connect ({_plain(error.__cause__ or error)})") from None
        except openai.OpenAIError as error:
            raise ConnectionLostError(_plain(error), fatal=True) from None
        if len(text) > MAX_RESPONSE:
            raise ConnectionLostError(f"the response is longer than {MAX_RESPONSE // 2**20} MiB", fatal=True)
        return RawAnswer(200, text.encode())

    async def models(self) -> RawAnswer:
        """Azure lists what could be deployed, not what is: there is nothing to ask."""
        return RawAnswer(404, b"")

    async def close(self) -> None:
        """Close the client's connections."""
        if self._made is not None:
            await self._made.close()
            self._made = None


def _plain(error: BaseException) -> str:
    """An exception in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def _proxy_for(base_url: str) -> str | None:
    """The proxy the environment names for an address; looked up once, for aiohttp does it anew for every request."""
    parts = urlsplit(base_url)
    proxy = getproxies().get(parts.scheme)
    if proxy is None or proxy_bypass(parts.netloc) or parts.hostname in ("localhost", "127.0.0.1", "::1"):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
