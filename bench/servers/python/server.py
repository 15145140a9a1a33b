"""The bench's contract on python-socketio, on uvicorn."""

import gc
import os
import resource
import socket
import sys

import socketio
import uvicorn


class Server(socketio.AsyncServer):
    """Tells the handler of echo whether an ack is wanted, which the library keeps to itself."""

    async def _handle_event_internal(self, server, sid, eio_sid, data, namespace, id):
        if data[0] == "echo":
            data.insert(1, id is not None)
        await super()._handle_event_internal(server, sid, eio_sid, data, namespace, id)


sio = Server(async_mode="asgi", serializer="msgpack" if "-msgpack" in sys.argv else "default")


@sio.event
async def connect(sid, environ):
    await sio.enter_room(sid, "room")


@sio.event
async def echo(sid, wants_ack, data):
    if wants_ack:
        return data
    await sio.emit("echo", data, to=sid)


@sio.event
async def binary(sid, data):
    return data


@sio.event
async def text(sid, data):
    return data


@sio.event
async def blast(sid, count, payload):
    for _ in range(count):
        await sio.emit("msg", payload, to="room")


async def mem(scope, receive, send):
    gc.collect()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b'{"heap":null,"stack":null}'})


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=2048)
    print("ready", flush=True)
    app = socketio.ASGIApp(sio, mem)
    config = uvicorn.Config(app, lifespan="off", log_level="critical", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])


main()
