"""Failures of the connection itself, in one line each."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from pytest_ugst.llm.transport import ConnectionLostError, HttpSessions, HttpTransport

SELF_SIGNED = Path(__file__).with_name("self_signed.pem")
"""A key and a certificate for 127.0.0.1 that no authority signed; used by this test alone."""


def test_a_certificate_of_an_unknown_authority() -> None:
    async def connect() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(SELF_SIGNED)
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
        sessions = HttpSessions()
        try:
            port = server.sockets[0].getsockname()[1]
            await HttpTransport(sessions, f"https://127.0.0.1:{port}/v1", None, 5).models()
        finally:
            await sessions.close()
            server.close()

    with pytest.raises(ConnectionLostError, match=r"can't connect \(.*certificate verify failed: self-signed"):
        asyncio.run(connect())
