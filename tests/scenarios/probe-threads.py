"""Executors, threads and futures that cross."""
import asyncio, concurrent.futures, threading, contextvars
from support import logs


def yes(x):
    return 'yes' if x else 'no'


async def turns(n):
    for _ in range(n):
        await asyncio.sleep(0)


def fail():
    raise ValueError('job')


def cancelled_job():
    raise asyncio.CancelledError('by job')


def value():
    return 'value'


var = contextvars.ContextVar('var')


def seen():
    try:
        return var.get()
    except LookupError:
        return 'unset'


def set_in_job():
    var.set('job')
    return seen()


async def jobs():
    loop = asyncio.get_running_loop()
    f = loop.run_in_executor(None, fail)
    try:
        await f
    except ValueError as e:
        print('job', e)
    f = loop.run_in_executor(None, value)
    print('state', yes(f.done()), yes(f.cancelled()))
    print(await f, await f)
    f = loop.run_in_executor(None, fail)
    await asyncio.wait([f])
    del f
    import gc
    gc.collect()
    print('-')
    try:
        await asyncio.to_thread(cancelled_job)
    except asyncio.CancelledError as e:
        print('CancelledError', asyncio.current_task().cancelling())
    var.set('task')
    print(await asyncio.to_thread(seen), await loop.run_in_executor(None, seen))
    print(await asyncio.to_thread(set_in_job), seen(), await loop.run_in_executor(None, seen))
    print(*await asyncio.gather(asyncio.to_thread(value), asyncio.to_thread(seen)))
    got = loop.create_future()
    def call_back():
        for fn, label in ((lambda: loop.call_soon_threadsafe(got.set_result, 'called back'), 'threadsafe'), (lambda: asyncio.get_running_loop(), 'running loop'), (asyncio.current_task, 'current task')):
            try:
                fn()
                print(label, 'ok')
            except RuntimeError as e:
                print(label, 'RuntimeError')
    await asyncio.to_thread(call_back)
    print(await got)
    ex = concurrent.futures.ThreadPoolExecutor(1)
    gate = threading.Event()
    busy = loop.run_in_executor(ex, gate.wait)
    waiting = loop.run_in_executor(ex, print, 'never')
    print('cancel', yes(waiting.cancel()), yes(waiting.cancel()))
    try:
        await waiting
    except asyncio.CancelledError:
        print('waiting cancelled')
    t = asyncio.create_task(abandon(busy))
    await turns(1)
    t.cancel('leave')
    try:
        await t
    except asyncio.CancelledError as e:
        print('left', *e.args, yes(busy.cancelled()))
    gate.set()
    ex.shutdown(wait=False)
    await turns(2)
    try:
        loop.run_in_executor(ex, value)
    except RuntimeError as e:
        print('RuntimeError after shutdown')


async def abandon(f):
    await f


async def crossing():
    loop = asyncio.get_running_loop()
    async def answer():
        await asyncio.sleep(0)
        return 'answer'
    async def failing():
        raise ValueError('far')
    async def never():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as e:
            print('never cancelled', *e.args)
            raise
    c = asyncio.run_coroutine_threadsafe(answer(), loop)
    print('done', yes(c.done()))
    print(await asyncio.wrap_future(c), c.result(0))
    c = asyncio.run_coroutine_threadsafe(failing(), loop)
    try:
        await asyncio.wrap_future(c)
    except ValueError as e:
        print('ValueError', e)
    print(logs.err(c.exception(0)))
    c = asyncio.run_coroutine_threadsafe(never(), loop)
    w = asyncio.wrap_future(c)
    await turns(2)
    print('running', yes(c.running()), 'cancel', yes(w.cancel('w')))
    try:
        await w
    except asyncio.CancelledError as e:
        print('w cancelled', *e.args)
    print('c', yes(c.cancelled()))
    await turns(4)
    c = concurrent.futures.Future()
    w = asyncio.wrap_future(c)
    c.set_running_or_notify_cancel()
    print('cancel of a running one', yes(c.cancel()))
    c.set_result('by hand')
    print('w done', yes(w.done()))
    print(await w)
    c = concurrent.futures.Future()
    w = asyncio.wrap_future(c)
    c.set_result('too late')
    print('cancel', yes(w.cancel()))
    await turns(2)
    print(yes(w.cancelled()), c.result(0))
    for fn in (lambda: c.set_result(1), lambda: c.set_exception(ValueError())):
        try:
            fn()
        except concurrent.futures.InvalidStateError:
            print('InvalidStateError')
    print('cancel of finished', yes(c.cancel()))
    c = concurrent.futures.Future()
    print('cancel', yes(c.cancel()), yes(c.cancel()), yes(c.done()), yes(c.running()))
    print('begin', c.set_running_or_notify_cancel())
    c = concurrent.futures.Future()
    try:
        await asyncio.wait_for(asyncio.wrap_future(c), 0.01)
    except TimeoutError:
        print('TimeoutError', end=' ')
    await turns(1)
    print(yes(c.cancelled()))
    c = concurrent.futures.Future()
    w = asyncio.wrap_future(c)
    try:
        await asyncio.wait_for(asyncio.shield(w), 0.01)
    except TimeoutError:
        print('TimeoutError', end=' ')
    await turns(1)
    print(yes(c.cancelled()), yes(w.done()))
    c.set_result('later')
    print(await w)


async def from_threads():
    loop = asyncio.get_running_loop()
    async def slow():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print('slow cancelled')
            ended.set()
            raise
    ended = threading.Event()
    def thread():
        c = asyncio.run_coroutine_threadsafe(slow(), loop)
        try:
            c.result(0.01)
        except TimeoutError:
            print('TimeoutError', yes(c.done()))
        took, cancelled = (c.cancel(), c.cancelled())
        ended.wait()
        print('cancel', yes(took), yes(cancelled))
        try:
            c.result(0)
        except concurrent.futures.CancelledError:
            print('CancelledError')
        async def rogue():
            raise asyncio.CancelledError('rogue')
        c = asyncio.run_coroutine_threadsafe(rogue(), loop)
        try:
            c.result()
        except concurrent.futures.CancelledError:
            print('rogue CancelledError')
        async def who():
            return asyncio.current_task() is not None and asyncio.get_running_loop() is loop
        print(asyncio.run_coroutine_threadsafe(who(), loop).result())
        async def nested():
            return await asyncio.gather(asyncio.sleep(0, 1), asyncio.to_thread(value))
        print(asyncio.run_coroutine_threadsafe(nested(), loop).result()[1])
        var.set('thread')
        async def look():
            return seen()
        print(asyncio.run_coroutine_threadsafe(look(), loop).result())
        done = threading.Event()
        def own():
            print('callback sees', seen())
            done.set()
        loop.call_soon_threadsafe(own)
        done.wait()
    await asyncio.to_thread(thread)


async def main():
    logs.watch_logs()
    for f in (jobs, crossing, from_threads):
        print('==', f.__name__)
        await f()


asyncio.run(main())
