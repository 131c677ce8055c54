"""gather, wait, wait_for, shield, as_completed, TaskGroup and timeout inside each other."""
import asyncio
from support import logs


def yes(x):
    return 'yes' if x else 'no'


def msg(e):
    return e.args[0] if e.args else 'none'


class Group(asyncio.TaskGroup):
    """Its children in the order of their making, not of a set's."""
    class Tasks(dict):
        def add(self, t):
            self[t] = None
        def discard(self, t):
            self.pop(t, None)
    def __init__(self):
        super().__init__()
        self._tasks = Group.Tasks()


async def turns(n):
    for _ in range(n):
        await asyncio.sleep(0)


async def sleeper(name, t=60, after=None):
    try:
        await asyncio.sleep(t)
    except asyncio.CancelledError as e:
        print(name, 'cancelled', msg(e))
        if after == 'slow':
            await asyncio.sleep(0.05)
            print(name, 'slowly')
        if after == 'swallow':
            return name
        if after == 'fail':
            raise ValueError(name)
        raise
    if after == 'late-fail':
        raise KeyError(name)
    return name


async def show(label, aw):
    try:
        print(label, '->', await aw)
    except asyncio.CancelledError as e:
        print(label, '-> CancelledError', msg(e), asyncio.current_task().cancelling())
    except BaseException as e:
        print(label, '->', logs.err(e), asyncio.current_task().cancelling())


async def later(t, fn, *a):
    await asyncio.sleep(t)
    fn(*a)


async def run_cancelled(label, coro, *times):
    """Run coro as a task and cancel it at these times."""
    t = asyncio.create_task(coro)
    ts = [asyncio.create_task(later(x, t.cancel, 'c%d' % i)) for i, x in enumerate(times)]
    await show(label, t)
    for x in ts:
        x.cancel()


async def timeouts():
    async def both_at_once():
        async with asyncio.timeout_at(when):
            async with asyncio.timeout_at(when):
                await asyncio.sleep(60)
    when = asyncio.get_running_loop().time() + 0.01
    await show('equal', asyncio.create_task(both_at_once()))
    async def with_wait_for():
        async with asyncio.timeout(0.01):
            await asyncio.wait_for(sleeper('in wait_for', after='slow'), 0.01)
    await show('wait_for in timeout', asyncio.create_task(with_wait_for()))
    async def swallow_then_wait():
        async with asyncio.timeout(0.01) as s:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                pass
            await asyncio.sleep(0.01)
            print('expired', s.expired())
        print('cancelling', asyncio.current_task().cancelling())
        await asyncio.sleep(0)
        return 'swallowed'
    await show('swallow', asyncio.create_task(swallow_then_wait()))
    async def cancel_raise_other():
        async with asyncio.timeout(0.01):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                raise ValueError('x')
    await show('other error', asyncio.create_task(cancel_raise_other()))
    async def own_cancel():
        async with asyncio.timeout(60):
            asyncio.current_task().cancel('mine')
            await asyncio.sleep(0)
    await show('own cancel', asyncio.create_task(own_cancel()))
    async def cancel_and_expire():
        async with asyncio.timeout(0) as s:
            asyncio.current_task().cancel('mine')
            await asyncio.sleep(0)
    await show('own cancel in the turn of the limit', asyncio.create_task(cancel_and_expire()))
    async def cancel_then_expire():
        async with asyncio.timeout(0.01) as s:
            try:
                await asyncio.sleep(60)
            finally:
                print('expired', s.expired(), asyncio.current_task().cancelling())
                asyncio.current_task().cancel('in cleanup')
                print(asyncio.current_task().cancelling())
    await show('cancel in the cleanup of a limit', asyncio.create_task(cancel_then_expire()))
    async def already_cancelling():
        t = asyncio.current_task()
        t.cancel('before')
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            pass
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)
    await show('entered while cancelling', asyncio.create_task(already_cancelling()))
    async def twice():
        s = asyncio.timeout(1)
        async with s:
            pass
        try:
            async with s:
                pass
        except RuntimeError as e:
            print('RuntimeError again')
        try:
            s.reschedule(1)
        except RuntimeError as e:
            print('RuntimeError reschedule')
        s2 = asyncio.timeout(None)
        try:
            s2.reschedule(1)
        except RuntimeError as e:
            print('RuntimeError not entered')
        print('states', s.when() is not None, s2.when() is None, s2.expired())
        return 'fine'
    await show('states', asyncio.create_task(twice()))
    async def reschedule_none():
        async with asyncio.timeout(0.01) as s:
            s.reschedule(None)
            await asyncio.sleep(0.05)
            print('when', s.when(), 'expired', s.expired())
            return 'slept'
    await show('limit taken away', asyncio.create_task(reschedule_none()))


async def groups():
    async def two_fail_same_turn():
        async with Group() as g:
            g.create_task(sleeper('a', 0.01, 'late-fail'))
            g.create_task(sleeper('b', 60, 'fail'))
            g.create_task(sleeper('c', 60, 'swallow'))
            g.create_task(sleeper('d', 60))
    await show('fails', asyncio.create_task(two_fail_same_turn()))
    async def group_in_timeout():
        async with asyncio.timeout(0.01):
            async with Group() as g:
                g.create_task(sleeper('g1', 60))
                g.create_task(sleeper('g2', 60, 'slow'))
    await show('group in timeout', asyncio.create_task(group_in_timeout()))
    async def group_in_timeout_fail():
        async with asyncio.timeout(0.01):
            async with Group() as g:
                g.create_task(sleeper('g1', 60, 'fail'))
    await show('failing group in timeout', asyncio.create_task(group_in_timeout_fail()))
    async def timeout_in_group():
        async with Group() as g:
            g.create_task(sleeper('sibling', 60))
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
    await show('timeout in group', asyncio.create_task(timeout_in_group()))
    async def body_returns_early():
        async with Group() as g:
            t = g.create_task(sleeper('early', 0.01))
            return 'returned'
    await show('early return', asyncio.create_task(body_returns_early()))
    async def child_cancels_parent():
        async def c(p):
            p.cancel('by child')
        async with Group() as g:
            g.create_task(c(asyncio.current_task()))
            g.create_task(sleeper('s', 60))
    await show('child cancels parent', asyncio.create_task(child_cancels_parent()))
    async def late_spawn():
        async def c(g):
            try:
                await asyncio.sleep(60)
            finally:
                try:
                    c = sleeper('late', 0)
                    g.create_task(c)
                    print('spawned in shutdown')
                except RuntimeError as e:
                    print('RuntimeError in shutdown')
                    c.close()
        async with Group() as g:
            g.create_task(c(g))
            await asyncio.sleep(0)
            raise ValueError('body')
    await show('spawn in shutdown', asyncio.create_task(late_spawn()))
    async def await_child_in_body():
        async with Group() as g:
            t = g.create_task(sleeper('awaited', 0.01, 'late-fail'))
            await t
    await show('child awaited by body', asyncio.create_task(await_child_in_body()))
    async def body_swallows():
        async with Group() as g:
            t = g.create_task(sleeper('x', 0.01, 'late-fail'))
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError as e:
                print('body swallows', msg(e), asyncio.current_task().cancelling())
            await asyncio.sleep(0)
            print('body goes on')
    await show('body swallows', asyncio.create_task(body_swallows()))
    await run_cancelled('group cancelled twice', two_groups(), 0.01, 0.02)


async def two_groups():
    async with Group() as g:
        g.create_task(sleeper('outer child', 60, 'slow'))
        async with Group() as h:
            h.create_task(sleeper('inner child', 60, 'slow'))


async def mixes():
    await show('wait_for gather', asyncio.wait_for(asyncio.gather(sleeper('p'), sleeper('q', 60, 'swallow')), 0.01))
    await show('wait_for gather exc', asyncio.wait_for(asyncio.gather(sleeper('p'), sleeper('q', 60, 'swallow'), return_exceptions=True), 0.01))
    inner = asyncio.create_task(sleeper('shielded', 0.03))
    await show('wait_for shield', asyncio.wait_for(asyncio.shield(inner), 0.01))
    await show('inner', inner)
    r = await asyncio.gather(asyncio.wait_for(sleeper('g1'), 0.01), asyncio.wait_for(sleeper('g2', 60, 'fail'), 0.01), asyncio.wait_for(sleeper('g3', 60, 'swallow'), 0.01), asyncio.wait_for(sleeper('g4', 0), None), return_exceptions=True)
    print(*[logs.err(x) if isinstance(x, BaseException) else x for x in r])
    d = asyncio.create_task(sleeper('done', 0))
    await turns(3)
    p = asyncio.create_task(sleeper('pend', 60))
    done, pending = await asyncio.wait({d, p}, timeout=0)
    print(len(done), len(pending))
    done, pending = await asyncio.wait({d, p}, return_when=asyncio.FIRST_COMPLETED)
    print(len(done), len(pending))
    done, pending = await asyncio.wait({d, p}, timeout=-1)
    print(len(done), len(pending))
    q = asyncio.create_task(sleeper('q', 60))
    asyncio.create_task(later(0.01, p.cancel))
    asyncio.create_task(later(0.02, q.cancel))
    done, pending = await asyncio.wait({d, p, q}, return_when=asyncio.FIRST_EXCEPTION)
    print(len(done), len(pending))
    x = asyncio.create_task(sleeper('x', 0.03))
    await show('wait_for wait', asyncio.wait_for(asyncio.wait({x}), 0.01))
    print('x done', yes(x.done()))
    await x
    async def ac():
        async with asyncio.timeout(0.02):
            for f in asyncio.as_completed([sleeper('s1', 0.01), sleeper('s2', 0.03)]):
                print('as_completed', await f)
    await show('as_completed in timeout', asyncio.create_task(ac()))
    await asyncio.sleep(0.02)
    await run_cancelled('gather cancelled twice', gather_slow(), 0.01, 0.02)
    await asyncio.sleep(0.1)
    await run_cancelled('wait cancelled', asyncio.wait({(y := asyncio.create_task(sleeper('y', 0.02)))}), 0.01)
    print('y', await y)
    await run_cancelled('shield cancelled', shielding(), 0.01)
    await asyncio.sleep(0.05)


async def gather_slow():
    await asyncio.gather(sleeper('gs1', 60, 'slow'), sleeper('gs2', 60))


async def shielding():
    await asyncio.shield(asyncio.create_task(sleeper('behind', 0.03, 'late-fail'), name='behind'))


async def main():
    logs.watch_logs()
    for f in (timeouts, groups, mixes):
        print('==', f.__name__)
        await f()


asyncio.run(main())
