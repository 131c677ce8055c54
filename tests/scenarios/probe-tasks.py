"""Tasks: cancelled at every state, their messages, names and last words."""
import asyncio
from support import logs


def yes(x):
    return 'yes' if x else 'no'


async def turns(n):
    for _ in range(n):
        await asyncio.sleep(0)


def msg(e):
    return e.args[0] if e.args else 'none'


async def every_turn():
    """Cancel at each of the turns of a task that does many things."""
    async def inner(f):
        await asyncio.sleep(0)
        await f
        await asyncio.gather(asyncio.sleep(0), asyncio.sleep(0))
        try:
            async with asyncio.timeout(60):
                await asyncio.sleep(0)
                async with lock:
                    await asyncio.shield(asyncio.sleep(0))
        finally:
            print('inner ends', end=' ')
    lock = asyncio.Lock()
    for n in range(16):
        f = asyncio.get_running_loop().create_future()
        t = asyncio.create_task(inner(f))
        asyncio.get_running_loop().call_soon(lambda: f.done() or f.set_result(None))
        await turns(n)
        ok = t.cancel('at %d' % n)
        try:
            k = 0
            while not t.done():
                await asyncio.sleep(0)
                k += 1
            await t
            print('%d %s result %d' % (n, yes(ok), k))
        except asyncio.CancelledError as e:
            print('%d %s cancelled %d %s' % (n, yes(ok), k, msg(e)))
        assert not lock.locked()


async def cleanup_errors():
    async def child(kind):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as e:
            if kind == 'error':
                raise ValueError('cleanup')
            if kind == 'value':
                return 'value'
            if kind == 'again':
                raise asyncio.CancelledError('other words')
            if kind == 'self':
                asyncio.current_task().cancel('once more')
                await asyncio.sleep(0)
            if kind == 'finally':
                await asyncio.sleep(0)
                raise
            if kind == 'self no await':
                asyncio.current_task().cancel('no await')
                return 'but a value'
            if kind == 'self raise':
                asyncio.current_task().cancel('new words')
                raise
    for kind in ('error', 'value', 'again', 'self', 'finally', 'self no await', 'self raise'):
        t = asyncio.create_task(child(kind))
        await turns(1)
        t.cancel('first words')
        try:
            print(kind, await t, t.cancelling())
        except asyncio.CancelledError as e:
            print(kind, 'CancelledError', msg(e), t.cancelling())
        except ValueError as e:
            print(kind, 'ValueError', e, t.cancelling())


async def counts():
    async def body():
        t = asyncio.current_task()
        print('uncancel at 0', t.uncancel(), t.cancelling())
        t.cancel('a')
        t.cancel('b')
        t.cancel('c')
        print('cancelling', t.cancelling())
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError as e:
            print('got', msg(e))
        await asyncio.sleep(0)
        print('no second', t.cancelling())
        print(t.uncancel(), t.uncancel(), t.uncancel(), t.uncancel())
        await asyncio.sleep(0)
        t.cancel('d')
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError as e:
            print('got', msg(e), t.cancelling())
        return 'x'
    t = asyncio.create_task(body())
    print(await t, t.cancelling(), t.uncancel(), t.cancelling())
    print('cancel of done', yes(t.cancel()), t.cancelling())


async def two_levels():
    async def leaf(f):
        try:
            await f
        except asyncio.CancelledError as e:
            print('leaf', msg(e), asyncio.current_task().cancelling())
            raise
    async def mid(f):
        global leaf_task
        leaf_task = asyncio.create_task(leaf(f))
        try:
            await leaf_task
        except asyncio.CancelledError as e:
            print('mid', msg(e), asyncio.current_task().cancelling())
            raise
    async def top(f):
        try:
            await asyncio.create_task(mid(f))
        except asyncio.CancelledError as e:
            print('top', msg(e), asyncio.current_task().cancelling())
            raise
    f = asyncio.get_running_loop().create_future()
    t = asyncio.create_task(top(f))
    await turns(4)
    t.cancel('from above')
    print('f cancelled', yes(f.cancelled()), 'leaf cancelling', leaf_task.cancelling())
    t.cancel('second')
    try:
        await t
    except asyncio.CancelledError as e:
        print('out', msg(e), t.cancelling(), leaf_task.cancelling())
    f = asyncio.get_running_loop().create_future()
    t = asyncio.create_task(top(f))
    await turns(4)
    leaf_task.cancel('from below')
    try:
        await t
    except asyncio.CancelledError as e:
        print('out', msg(e), t.cancelling(), leaf_task.cancelling())
    f = asyncio.get_running_loop().create_future()
    t = asyncio.create_task(top(f))
    await turns(4)
    f.cancel('at the bottom')
    try:
        await t
    except asyncio.CancelledError as e:
        print('out', msg(e), t.cancelling(), leaf_task.cancelling())


async def current():
    loop = asyncio.get_running_loop()
    async def noop():
        return asyncio.current_task().get_name()
    def cb(*_):
        print('in callback', asyncio.current_task())
    loop.call_soon(cb)
    t = asyncio.create_task(noop(), name='n1')
    t.add_done_callback(cb)
    print(sorted((x.get_name() for x in asyncio.all_tasks())))
    print(await t)
    print(sorted((x.get_name() for x in asyncio.all_tasks())))
    t.set_name('renamed after')
    print(t.get_name())
    u = asyncio.create_task(asyncio.sleep(60), name='')
    print('empty name [%s]' % u.get_name())
    u.cancel()
    await turns(1)
    print('ended in all_tasks', u in asyncio.all_tasks(), yes(u.done()))
    await turns(1)
    print('ended in all_tasks', u in asyncio.all_tasks(), yes(u.done()))


async def values():
    async def fail():
        raise ValueError('v')
    async def ret():
        return 'r'
    t = asyncio.create_task(fail())
    for f in (t.result, t.exception):
        try:
            f()
        except asyncio.InvalidStateError:
            print('InvalidStateError')
    for f in (lambda: t.set_result(1), lambda: t.set_exception(ValueError())):
        try:
            f()
        except RuntimeError as e:
            print('RuntimeError')
    try:
        await t
    except ValueError:
        pass
    print(logs.err(t.exception()))
    t = asyncio.create_task(ret())
    t.cancel('unborn')
    try:
        await t
    except asyncio.CancelledError as e:
        print('unborn', msg(e))
    t = asyncio.create_task(ret())
    await turns(1)
    print(yes(t.done()), yes(t.cancel()), t.result())
    async def rogue():
        raise asyncio.CancelledError('rogue')
    t = asyncio.create_task(rogue())
    try:
        await t
    except asyncio.CancelledError as e:
        print('rogue', msg(e), yes(t.cancelled()), t.cancelling())
    async def fails_at_once():
        asyncio.current_task().cancel('never seen')
        raise ValueError('at once')
    t = asyncio.create_task(fails_at_once())
    try:
        await t
    except ValueError as e:
        print('fails at once', e, t.cancelling())
    async def returns_at_once():
        asyncio.current_task().cancel('turned down')
        return 'value'
    t = asyncio.create_task(returns_at_once())
    try:
        print(await t)
    except asyncio.CancelledError as e:
        print('returns at once: cancelled', msg(e), t.cancelling())
    f = asyncio.get_running_loop().create_future()
    f.set_result('done')
    async def awaits_done():
        asyncio.current_task().cancel('pending')
        print('done future:', await f)
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError as e:
            print('then', msg(e))
    await asyncio.create_task(awaits_done())


async def main():
    logs.watch_logs()
    asyncio.current_task().set_name('main')
    for f in (every_turn, cleanup_errors, counts, two_levels, current, values):
        print('==', f.__name__)
        await f()


asyncio.run(main())
