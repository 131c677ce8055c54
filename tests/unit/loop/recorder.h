#ifndef TESTS_UNIT_LOOP_RECORDER_H
#define TESTS_UNIT_LOOP_RECORDER_H

/*
 * What the tests of the loop share: callbacks that write down that they ran, and
 * a loop that closes itself. Nothing is asserted inside a callback.
 */

#include <string>
#include <vector>

#include "weft/testing.h"
#include "weft/weft.h"

/* Callbacks append their names here. */
struct Trace {
    std::vector<std::string> names;

    std::string joined() const
    {
        std::string all;
        for (const auto &name : names) {
            all += (all.empty() ? "" : " ") + name;
        }
        return all;
    }
};

/* One callback: a name, and what it does and returns. */
struct Step {
    Trace *trace;
    const char *name;
    int (*then)(void *) = nullptr;
    void *data = nullptr;
    int result = 0;
};

inline int record(void *data)
{
    auto *step = static_cast<Step *>(data);

    step->trace->names.push_back(step->name);
    if (step->then != nullptr) {
        return step->then(step->data);
    }
    return step->result;
}

inline int stop_loop(void *)
{
    return weft_loop_stop(nullptr);
}

/* A loop for the length of a scope. */
struct Loop {
    weft_loop *loop = nullptr;
    int result;

    explicit Loop(bool is_virtual = true)
    {
        weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
        options.virtual_clock = is_virtual;
        result = weft_new_event_loop(&options, &loop);
    }
    ~Loop()
    {
        if (loop != nullptr) {
            weft_loop_close(loop);
            weft_loop_unref(loop);
        }
    }
    Loop(const Loop &) = delete;
    Loop &operator=(const Loop &) = delete;
    operator weft_loop *() const
    {
        return loop;
    }

    /* Exactly the turns that are asked for, none of which waits. */
    void turns(int n) const
    {
        for (int i = 0; i < n; i++) {
            weft_loop_run_once(loop, 0);
        }
    }
    /* As asyncio's: one pass, through stop() before run. */
    int run_one_pass() const
    {
        weft_loop_stop(loop);
        return weft_loop_run_forever(loop);
    }
};

/* Counts the library's blocks for the length of a scope. */
struct Blocks {
    Blocks()
    {
        weft_raise(nullptr); /* an error of an earlier test is a block of this thread */
        weft_testing_count_blocks(1);
    }
    ~Blocks()
    {
        weft_testing_count_blocks(0);
    }
    Blocks(const Blocks &) = delete;
    Blocks &operator=(const Blocks &) = delete;

    long held() const
    {
        weft_raise(nullptr);
        return weft_testing_n_blocks();
    }
};

/* Collects the log for the length of a scope; for tests of one thread. */
struct Log {
    struct Entry {
        enum weft_report_kind kind;
        std::string message;
        std::string subject;
        int code;
    };
    std::vector<Entry> entries;

    Log()
    {
        weft_log_set_sink(write, this);
    }
    ~Log()
    {
        weft_log_set_sink(nullptr, nullptr);
    }
    Log(const Log &) = delete;
    Log &operator=(const Log &) = delete;

    static void write(const weft_log_record *record, void *data)
    {
        auto *log = static_cast<Log *>(data);
        const weft_report *report = record->report;
        if (report != nullptr) {
            log->entries.push_back({ report->kind, report->message ? report->message : "",
                                     report->subject ? report->subject : "", report->code });
        }
    }
};

#endif
