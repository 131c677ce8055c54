"""Counting cancels: uncancel, nested time limits, groups inside of them."""
import asyncio


async def main():
    me = asyncio.current_task()
    loop = asyncio.get_running_loop()

    # Two requests, one delivery, two to take back.
    me.cancel()
    me.cancel()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        print("once, cancelling=%d" % me.cancelling())
    await asyncio.sleep(0)
    print("uncancel %d %d %d" % (me.uncancel(), me.uncancel(), me.uncancel()))

    # Both limits have expired: the inner one claims its own cancel, the outer one the next.
    try:
        async with asyncio.timeout(0.01) as outer:
            try:
                async with asyncio.timeout(0.01) as inner:
                    await asyncio.sleep(60)
            except TimeoutError:
                print("inner", inner.expired(), outer.expired(), me.cancelling())
            await asyncio.sleep(60)
    except TimeoutError:
        print("outer", inner.expired(), outer.expired(), me.cancelling())

    # The outer limit expires while the inner body cleans up.
    try:
        async with asyncio.timeout(0.02):
            try:
                async with asyncio.timeout(0.01):
                    try:
                        await asyncio.sleep(60)
                    finally:
                        await asyncio.sleep(60)
            except TimeoutError:
                print("not reached")
            finally:
                print("in between cancelling=%d" % me.cancelling())
    except TimeoutError:
        print("outer claims, cancelling=%d" % me.cancelling())

    # A limit in the past acts in the next turn, and rescheduling back undoes it.
    async with asyncio.timeout(60) as scope:
        scope.reschedule(loop.time() - 1)
        scope.reschedule(loop.time() + 60)
        await asyncio.sleep(0)
        print("rescheduled twice, expired=%s" % scope.expired())
    try:
        async with asyncio.timeout(60) as scope:
            scope.reschedule(loop.time() - 1)
            print("expired=%s" % scope.expired())
            await asyncio.sleep(0)
            print("not interrupted by sleep(0), expired=%s" % scope.expired())
            await asyncio.sleep(0)
    except TimeoutError:
        print("timed out")

    # The limit passes, the body swallows, and goes on past the scope.
    async with asyncio.timeout(0.01) as scope:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("swallowed, cancelling=%d" % me.cancelling())
    print("after expired=%s cancelling=%d" % (scope.expired(), me.cancelling()))

    # A body that fails on its own after the limit has passed.
    try:
        async with asyncio.timeout(0.01) as scope:
            try:
                await asyncio.sleep(60)
            finally:
                raise ValueError("own")
    except ValueError as e:
        print("ValueError", e, scope.expired(), me.cancelling())


asyncio.run(main())
