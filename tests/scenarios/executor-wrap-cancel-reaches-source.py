# area: executor
# behaviour: Cancelling the wrapper cancels the source in the next turn; one finished meanwhile keeps its result.
import asyncio
import concurrent.futures


async def main():
    source = concurrent.futures.Future()
    wrapped = asyncio.wrap_future(source)
    print("cancel=%d cancelled=%d source=%d" % (wrapped.cancel(), wrapped.cancelled(), source.cancelled()))
    await asyncio.sleep(0)
    print("a turn later source=%d" % source.cancelled())
    source = concurrent.futures.Future()
    wrapped = asyncio.wrap_future(source)
    print("cancel=%d" % wrapped.cancel())
    source.set_result(6)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("finished meanwhile: source=%d result %d" % (source.cancelled(), source.result()))
    source = concurrent.futures.Future()
    wrapped = asyncio.wrap_future(source)
    print("begin=%d" % source.set_running_or_notify_cancel())
    print("cancel=%d" % wrapped.cancel())
    await asyncio.sleep(0)
    print("running: source=%d running=%d" % (source.cancelled(), source.running()))
    source.set_result(7)
    await asyncio.sleep(0)
    print("wrapper cancelled=%d" % wrapped.cancelled())


asyncio.run(main())
