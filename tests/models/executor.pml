/*
 * The executor's queue (lib/thread/executor*.c): submitters, the intake that goes
 * past the mutex, threads that are made, linger, sleep, time out and end, and a
 * shutdown.
 *
 * What happens under the mutex is one step, except where the intake is touched: what
 * its own mutex guards is a step, and others may leave a job there in between. A
 * sleeping thread is called through its futex word after the mutex is gone.
 *
 * Searched for: a thread that sleeps beside a job, or a shutdown that does not end
 * (an invalid end state); a job that is lost or runs twice; counts that are wrong at
 * the end.
 *
 * The planted fault (executor.fault.pml): a thread goes to sleep without closing the
 * intake.
 */

/* With 3 jobs for 2 threads the intake opens while there is still one to come. */
#define THREADS 2
#define JOBS(submitter) (2 - (submitter))
#define ALL     3
#define NOBODY  THREADS

bool mu;
chan queue = [ALL] of { byte };
chan intake = [ALL] of { byte };
bool is_open = false;
bool is_shut = false;
byte n_threads = 0;
byte n_running = 0;
byte n_idle = 0;
byte n_coming = 0;
bool is_used[THREADS];
bool is_idle[THREADS];
bool is_called[THREADS];

bool has_idle_exit;
byte n_ran[ALL];
byte n_done = 0;
byte n_refused = 0;

inline lock(m)
{
    atomic { !m -> m = true }
}

/* Under mu. */
inline take_in()
{
    if
    :: is_open ->
        atomic {
            do
            :: nempty(intake) -> intake?moved; queue!moved
            :: empty(intake) -> break
            od;
            moved = 0
        }
    :: else
    fi
}

/* Under mu. */
inline close_intake()
{
    do
    :: is_open ->
        atomic { is_open = nempty(intake) };
        take_in()
    :: else -> break
    od
}

/* Under mu: wf_worker_pick. */
inline pick()
{
    atomic {
        picked = NOBODY;
        if
        :: n_idle > 0 && n_coming == 0 && len(queue) > 0 ->
            picked = 0;
            do
            :: is_idle[picked] -> break
            :: else -> picked++
            od;
            is_idle[picked] = false;
            n_idle--;
            n_coming++
        :: else
        fi
    }
}

inline call_picked()
{
    atomic {
        if
        :: picked != NOBODY -> is_called[picked] = true
        :: else
        fi;
        picked = NOBODY
    }
}

proctype worker(byte me)
{
    byte job;
    byte moved;
    byte picked = NOBODY;
    bool has_job = false;
    bool has_done = false;
    bool in_time;

    atomic { !mu -> mu = true; n_coming-- };
next:
    if
    :: empty(queue) -> take_in()
    :: nempty(queue)
    fi;
    atomic {
        has_job = nempty(queue);
        if
        :: has_job -> queue?job; n_running++
        :: !has_job
        fi
    };
    if
    :: !has_job && !has_done ->
        if
        :: is_shut -> goto end
        :: else
        fi;
        if
        :: n_coming == 0 -> /* lingers, or has no credit for it */
            atomic { n_coming++; mu = false };
            atomic { !mu -> mu = true; n_coming-- };
            take_in();
            if
            :: nempty(queue) -> goto next
            :: empty(queue)
            fi
        :: true
        fi;
#ifndef FAULT
        close_intake();
#endif
        if
        :: is_shut || len(queue) > 0 -> goto next
        :: else
        fi;
        atomic { is_called[me] = false; is_idle[me] = true; n_idle++; mu = false };
        if
        :: is_called[me] -> in_time = true
        :: has_idle_exit -> in_time = false
        fi;
        atomic {
            !mu -> mu = true;
            if
            :: !is_idle[me] -> n_coming--; goto next
            :: else -> is_idle[me] = false; n_idle--
            fi
        };
        if
        :: in_time || len(queue) > 0 -> goto next
        :: else -> goto end
        fi
    :: else ->
        if
        :: !is_open && !is_shut && n_idle == 0 && n_threads == THREADS ->
            is_open = true
        :: else
        fi;
        atomic { pick(); mu = false };
        call_picked();
        if
        :: has_job -> atomic { n_ran[job]++; assert(n_ran[job] == 1); n_done++ }
        :: else
        fi;
        atomic {
            !mu -> mu = true;
            n_running = n_running - has_job;
            has_done = has_job;
            job = 0
        };
        goto next
    fi;
end:
    atomic { is_used[me] = false; n_threads--; mu = false }
}

inline start_worker()
{
    atomic {
        fresh = 0;
        do
        :: is_used[fresh] -> fresh++
        :: else -> break
        od;
        is_used[fresh] = true;
        n_threads++;
        n_coming++;
        run worker(fresh);
        fresh = 0
    }
}

proctype submitter(byte me)
{
    byte i = 0;
    byte moved;
    byte fresh = 0;
    byte picked = NOBODY;
    bool is_left;

    do
    :: i < JOBS(me) ->
        atomic {
            is_left = is_open;
            if
            :: is_left -> intake!(me * 2 + i)
            :: else
            fi
        };
        if
        :: !is_left ->
            lock(mu);
            if
            :: is_shut -> n_refused++
            :: else ->
                if
                :: len(queue) >= n_threads - n_running && n_threads < THREADS -> start_worker()
                :: n_threads > 0 /* nothing to make, or it failed */
                fi;
                take_in();
                atomic { queue!(me * 2 + i); pick() }
            fi;
            mu = false;
            call_picked()
        :: else
        fi;
        i++
    :: else -> break
    od
}

proctype ender(bool is_patient)
{
    byte moved;
    byte i = 0;

    if
    :: is_patient -> (n_done == ALL) /* a lost wake-up stops here */
    :: else
    fi;
    atomic { !mu -> mu = true; is_shut = true };
    close_intake();
    atomic {
        do
        :: i < THREADS ->
            if
            :: is_idle[i] -> is_idle[i] = false; n_idle--; n_coming++; is_called[i] = true
            :: else
            fi;
            i++
        :: else -> break
        od;
        mu = false
    };
    (n_threads == 0)
}

init {
    bool is_patient;

    atomic {
        if
        :: is_patient = true
        :: is_patient = false
        fi;
        if
        :: has_idle_exit = true
        :: has_idle_exit = false
        fi;
        run submitter(0);
        run submitter(1);
        run ender(is_patient)
    };
    atomic {
        (_nr_pr == 1);
        assert(n_done + n_refused == ALL);
        assert(empty(queue) && empty(intake) && !is_open);
        assert(n_threads == 0 && n_running == 0 && n_idle == 0 && n_coming == 0)
    }
}
