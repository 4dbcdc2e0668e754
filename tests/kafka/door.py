"""The door of a broker for tests: it ends TLS and SASL, and hands all else on to a broker that has neither.

`door.py LISTEN BROKER CERTIFICATE KEY MECHANISM`: ports of this machine, files in PEM, and plain, scram-sha-256,
scram-sha-512 or none. The user is `ann`, the password `hunter2`. SASL is that of RFC 4616 and RFC 5802, written from them.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
import ssl
import struct
import sys

USER, PASSWORD = "ann", "hunter2"
API_VERSIONS, HANDSHAKE, AUTHENTICATE = 18, 17, 36
ILLEGAL_STATE, UNSUPPORTED_MECHANISM, REFUSED = 34, 33, 58


class Refused(Exception):
    pass


def plain():
    first = yield b""
    _, user, password = first.split(b"\0")
    if (user.decode(), password.decode()) != (USER, PASSWORD):
        raise Refused
    yield b""


def scram(digest):
    salt, iterations = secrets.token_bytes(16), 4096
    first = yield b""
    bare = first.decode().split(",", 2)[2]
    fields = dict(part.split("=", 1) for part in bare.split(","))
    if fields["n"] != USER:
        raise Refused
    nonce = fields["r"] + secrets.token_hex(12)
    server_first = f"r={nonce},s={base64.b64encode(salt).decode()},i={iterations}"
    final = (yield server_first.encode()).decode()
    without_proof, proof = final.rsplit(",p=", 1)
    if dict(part.split("=", 1) for part in without_proof.split(","))["r"] != nonce:
        raise Refused
    salted = hashlib.pbkdf2_hmac(digest, PASSWORD.encode(), salt, iterations)
    mac = lambda key, text: hmac.new(key, text, digest).digest()  # noqa: E731
    client_key = mac(salted, b"Client Key")
    stored_key = hashlib.new(digest, client_key).digest()
    message = f"{bare},{server_first},{without_proof}".encode()
    expected = bytes(a ^ b for a, b in zip(client_key, mac(stored_key, message)))
    if not hmac.compare_digest(expected, base64.b64decode(proof)):
        raise Refused
    yield b"v=" + base64.b64encode(mac(mac(salted, b"Server Key"), message))


MECHANISMS = {
    "plain": ("PLAIN", plain),
    "scram-sha-256": ("SCRAM-SHA-256", lambda: scram("sha256")),
    "scram-sha-512": ("SCRAM-SHA-512", lambda: scram("sha512")),
}


async def frame(reader):
    (length,) = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(length)


def framed(body):
    return struct.pack(">i", len(body)) + body


def text_at(body, at):
    (length,) = struct.unpack_from(">h", body, at)
    return at + 2 + max(length, 0)


def uvarint(body, at):
    value, shift = 0, 0
    while True:
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7


def compact(data):
    length, out = len(data) + 1, b""
    while length > 0x7F:
        out += bytes([length & 0x7F | 0x80])
        length >>= 7
    return out + bytes([length]) + data


def authenticated(version, correlation, error, data):
    if version >= 2:
        head = struct.pack(">i", correlation) + b"\0"
        return head + struct.pack(">h", error) + b"\0" + compact(data) + struct.pack(">q", 0) + b"\0"
    body = struct.pack(">ih", correlation, error) + struct.pack(">h", -1) + struct.pack(">i", len(data)) + data
    return body + (struct.pack(">q", 0) if version == 1 else b"")


async def hand_on(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, OSError):
        pass
    finally:
        writer.close()


async def serve(reader, writer, broker, mechanism):
    inside_reader, inside_writer = await asyncio.open_connection("127.0.0.1", broker)
    try:
        known, session = mechanism is None, None
        while not known:
            body = await frame(reader)
            key, version, correlation = struct.unpack_from(">hhi", body)
            at = text_at(body, 8)
            if key == API_VERSIONS:
                inside_writer.write(framed(body))
                writer.write(framed(await frame(inside_reader)))
            elif key == HANDSHAKE:
                name, start = MECHANISMS[mechanism]
                asked = body[at + 2 : text_at(body, at)].decode()
                session = start()
                next(session)
                error = 0 if asked == name else UNSUPPORTED_MECHANISM
                listed = struct.pack(">ih", 1, len(name)) + name.encode()
                writer.write(framed(struct.pack(">ih", correlation, error) + listed))
            elif key == AUTHENTICATE and session is not None:
                if version >= 2:
                    length, at = uvarint(body, at + 1)
                    data = body[at : at + length - 1]
                else:
                    data = body[at + 4 :]
                try:
                    said = session.send(data)
                    known = said.startswith(b"v=") or mechanism == "plain"
                    answer = authenticated(version, correlation, 0, said)
                except (Refused, ValueError, KeyError):
                    writer.write(framed(authenticated(version, correlation, REFUSED, b"")))
                    await writer.drain()
                    return
                writer.write(framed(answer))
            else:
                return  # As a broker does: nothing is answered before we know who asks.
            await writer.drain()
        await asyncio.gather(hand_on(reader, inside_writer), hand_on(inside_reader, writer))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()
        inside_writer.close()


async def main(listen, broker, certificate, key, mechanism):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    mechanism = None if mechanism == "none" else mechanism
    server = await asyncio.start_server(
        lambda reader, writer: serve(reader, writer, int(broker), mechanism), "127.0.0.1", int(listen), ssl=tls
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
