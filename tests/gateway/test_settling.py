"""Simulated time beside real threads and sockets: whoever looks whether something came has given it its turns."""

import asyncio
import socket
import threading

from hal.sim.clock import SimClock, idle


def test_where_threads_have_worked_every_turn_is_taken() -> None:
    async def scene() -> None:
        await asyncio.sleep(0)
        assert idle() or threading.active_count() > 1, "a simulation alone"
        await asyncio.to_thread(lambda: None)
        await asyncio.sleep(0)
        assert not idle(), "another answer may come at any moment"

    asyncio.run(scene())


def test_what_comes_over_a_socket_is_heard_before_time_moves_on() -> None:
    async def scene() -> None:
        near, far = socket.socketpair()
        with near, far:
            near.setblocking(False)
            loop, clock, heard = asyncio.get_running_loop(), SimClock(), bytearray()
            answers = 0

            def hear() -> None:
                nonlocal answers
                heard.extend(near.recv(1))
                if answers < 5:  # each answer asks again: several turns, and nobody runs in between
                    answers += 1
                    far.send(b"x")

            loop.add_reader(near, hear)
            assert not idle()
            far.send(b"x")
            await clock.settle()
            loop.remove_reader(near)
            assert heard == b"x" * 6

    asyncio.run(scene())
