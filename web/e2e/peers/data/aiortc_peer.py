"""Peers of data channels of aiortc: lines of JSON on standard input and output, many peers at a time."""

import asyncio
import hashlib
import json
import sys
import time

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

MESSAGE = 16 * 1024
ROOM = 256 * 1024


def pattern(size):
    """The bytes of a file of that size: those that every peer makes."""
    state = size
    made = bytearray(size)
    for index in range(size):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        made[index] = state >> 24
    return bytes(made)


def is_flood(label):
    """A flood is a file that nobody looks at: it is measured, not compared."""
    return label.startswith("file flood")


class Peer:
    """One connection, with audio beside its channels where it is the one that offers."""

    def __init__(self, number):
        self.number = number
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_COMPAT))
        self.connection.on("datachannel", lambda channel: self.follow(channel, ours=False))
        self.connection.on("connectionstatechange", self.state)
        self.channels = {}
        self.files = {}

    def tell(self, event, **more):
        print(json.dumps({"peer": self.number, "event": event, **more}), flush=True)

    def state(self):
        if self.connection.connectionState == "failed":
            self.tell("failed", reason="the connection failed")

    def follow(self, channel, ours):
        label = channel.label
        self.channels[label] = channel

        def opened():
            self.tell("open", label=label, protocol=channel.protocol)

        def closed():
            if self.channels.get(label) is channel:
                del self.channels[label]
            self.tell("closed", label=label)

        def message(data):
            if label.startswith("file"):
                self.take(label, data)
            elif label.startswith("echo") and not ours:
                channel.send(data)
            elif isinstance(data, str):
                self.tell("text", label=label, text=data)
            else:
                self.tell("binary", label=label, hex=data.hex())

        channel.on("close", closed)
        channel.on("message", message)
        if channel.readyState == "open":
            opened()
        else:
            channel.on("open", opened)

    def take(self, label, data):
        digest, size, begun = self.files.setdefault(label, (hashlib.sha256(), 0, time.monotonic()))
        if not isinstance(data, str):
            if not is_flood(label):
                digest.update(data)
            self.files[label] = (digest, size + len(data), begun)
            return
        del self.files[label]
        seconds = time.monotonic() - begun
        self.tell("file", label=label, size=size, sha256=digest.hexdigest(), seconds=seconds)

    async def do_offer(self, audio=True):
        if audio:
            self.connection.addTransceiver("audio", direction="sendrecv")
        await self.connection.setLocalDescription(await self.connection.createOffer())
        self.tell("sdp", sdp=self.connection.localDescription.sdp)

    async def do_answer(self, sdp):
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        self.tell("sdp", sdp=self.connection.localDescription.sdp)

    async def do_answered(self, sdp):
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    async def do_open(self, label, protocol=""):
        self.follow(self.connection.createDataChannel(label, protocol=protocol), ours=True)

    async def do_send(self, label, text=None, hex=""):
        self.channels[label].send(bytes.fromhex(hex) if text is None else text)

    async def do_file(self, label, size):
        channel = self.channels[label]
        content = bytes(size) if is_flood(label) else pattern(size)
        for at in range(0, size, MESSAGE):
            while channel.bufferedAmount > ROOM:
                await asyncio.sleep(0.005)
            channel.send(content[at : at + MESSAGE])
        channel.send("end")
        digest = hashlib.sha256(b"" if is_flood(label) else content)
        self.tell("sent", label=label, size=size, sha256=digest.hexdigest())

    async def do_shut(self, label):
        self.channels[label].close()

    async def do_end(self):
        await self.connection.close()


async def main():
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    peers = {}
    running = set()

    async def perform(peer, what, words):
        try:
            await getattr(peer, f"do_{what}")(**words)
        except Exception as error:  # the other side of the pipe is to know
            peer.tell("failed", reason=f"{what}: {error!r}")

    while line := await reader.readline():
        words = json.loads(line)
        number, what = words.pop("peer"), words.pop("do")
        if number not in peers:
            peers[number] = Peer(number)
        peer = peers[number]
        task = asyncio.create_task(perform(peer, what, words))
        running.add(task)
        task.add_done_callback(running.discard)


asyncio.run(main())
