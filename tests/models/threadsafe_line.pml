/*
 * The line of the threadsafe objects (lib/bridge/threadsafe.c), as the queue uses it:
 * claims on items, cancels, time limits and a loop that closes.
 *
 * A producer puts two items. Two tasks of one loop and one plain thread each want
 * one. The loop may cancel either task at any moment, and may close at any moment,
 * which leaves its tasks behind; the thread may have a limit. What is done under the
 * mutex is one step, what stands between is not.
 *
 * Searched for: an item that is lost or taken twice, a claim that nobody holds, and
 * somebody who sleeps for ever beside a free item.
 *
 * The planted fault (threadsafe_line.fault.pml): a task that vanishes with its loop
 * keeps its claim.
 */

#define PUTS   2
#define TASKS  2
#define THREAD TASKS /* the number of the thread among the waiters */

#define OUTSIDE 0 /* not in line, and never granted anything */
#define IN_LINE 1
#define GRANTED 2

byte n = 0;          /* items in the ring */
byte n_promised = 0; /* of them */
byte n_taken = 0;
byte place[TASKS + 1]; /* of each waiter: as above */
bool is_out = false;   /* the word on which the thread sleeps */
chan line = [TASKS + 1] of { byte };
chan mail = [TASKS] of { byte };
bool is_mail_closed = false;

/* settle(): under the mutex. */
inline settle()
{
    do
    :: n > n_promised && len(line) > 0 ->
        line?first;
        if
        :: first == THREAD -> place[first] = GRANTED; n_promised++; is_out = true
        :: first != THREAD && !is_mail_closed ->
            place[first] = GRANTED; n_promised++; mail!first
        :: else -> place[first] = OUTSIDE /* its loop goes */
        fi
    :: else -> break
    od;
    first = 0
}

inline take()
{
    assert(n > 0);
    n--;
    n_taken++;
    settle()
}

/* A get: takes an item, or stands in line. */
inline begin_get(me)
{
    if
    :: n > n_promised -> take()
    :: else -> line!me; place[me] = IN_LINE
    fi
}

inline leave(me)
{
    line??eval(me);
    place[me] = OUTSIDE
}

proctype producer()
{
    byte first;
    byte i = 0;

    do
    :: i < PUTS -> atomic { n++; settle() }; i++
    :: else -> break
    od
}

proctype thread(bool has_limit)
{
    byte first;

    atomic { begin_get(THREAD) };
    if
    :: place[THREAD] == OUTSIDE -> goto done
    :: else
    fi;
end_wait:
    if
    :: is_out
    :: has_limit
    fi;
    atomic {
        if
        :: place[THREAD] == IN_LINE -> leave(THREAD)
        :: else -> n_promised--; place[THREAD] = OUTSIDE; take()
        fi
    };
done:
    skip
}

inline resume(me)
{
    is_awake[me] = false;
    atomic {
        assert(place[me] == GRANTED);
        n_promised--;
        place[me] = OUTSIDE;
        if
        :: must_cancel[me] -> settle()
        :: else -> take()
        fi
    }
}

#define may_cancel(me) (has_begun[me] && !is_cancelled[me] && place[me] != OUTSIDE)

inline cancel(me)
{
    is_cancelled[me] = true;
    atomic {
        if
        :: place[me] == IN_LINE -> leave(me)
        :: place[me] == GRANTED -> must_cancel[me] = true /* it meets it when it resumes */
        :: else
        fi
    }
}

/* The loop's thread, with all that its tasks and their canceller do. */
proctype loop(bool may_close)
{
    byte first;
    byte me;
    bool has_begun[TASKS];
    bool is_awake[TASKS];    /* woken, and not resumed */
    bool must_cancel[TASKS]; /* a cancel that came after the grant */
    bool is_cancelled[TASKS];

end_turns:
    do
    :: atomic { !has_begun[0] -> has_begun[0] = true; begin_get(0) }
    :: is_awake[0] -> resume(0)
    :: may_cancel(0) -> cancel(0)
    :: atomic { !has_begun[1] -> has_begun[1] = true; begin_get(1) }
    :: is_awake[1] -> resume(1)
    :: may_cancel(1) -> cancel(1)
    :: atomic { nempty(mail) -> mail?first; is_awake[first] = true; first = 0 }
    :: may_close -> break
    od;

    atomic { /* the mailbox: closed, and its last posts delivered */
        is_mail_closed = true;
        do
        :: nempty(mail) -> mail?first; is_awake[first] = true
        :: empty(mail) -> break
        od;
        first = 0
    };
    for (me : 0 .. TASKS - 1) {
        atomic { /* abandon_wait */
            if
            :: place[me] == IN_LINE -> leave(me)
            :: place[me] == GRANTED ->
                place[me] = OUTSIDE;
#ifndef FAULT
                n_promised--;
                settle()
#endif
            :: else
            fi
        }
    }
}

/* When nothing can happen any more. */
proctype judge()
{
    timeout;
    assert(n_taken + n == PUTS);
    assert(n_promised == 0);
    assert(n == 0 || empty(line))
}

init {
    atomic {
        run producer();
        if
        :: run thread(false)
        :: run thread(true)
        fi;
        if
        :: run loop(false)
        :: run loop(true)
        fi;
        run judge()
    }
}
