#ifndef WEFT_TESTS_SUPPORT_LOG_RECORDER_HPP
#define WEFT_TESTS_SUPPORT_LOG_RECORDER_HPP

/* While it lives, the log's records are kept here instead of being printed. */

#include <mutex>
#include <string>
#include <vector>

#include "weft/log.h"

class log_recorder
{
  public:
    struct record {
        weft_log_level level;
        std::string logger;
        std::string message;
        bool is_report;
        weft_report_kind kind;
        int code;
    };

    log_recorder()
    {
        weft_log_set_sink(on_record, shared());
        shared()->clear();
    }
    ~log_recorder()
    {
        weft_log_set_sink(nullptr, nullptr);
    }
    log_recorder(const log_recorder &) = delete;
    log_recorder &operator=(const log_recorder &) = delete;

    std::vector<record> records() const
    {
        return shared()->copy();
    }

    size_t count(weft_report_kind kind) const
    {
        size_t n = 0;
        for (const record &r : records()) {
            n += r.is_report && r.kind == kind;
        }
        return n;
    }

    bool has(const std::string &part) const
    {
        for (const record &r : records()) {
            if (r.message.find(part) != std::string::npos) {
                return true;
            }
        }
        return false;
    }

  private:
    /* The library may keep the sink's data for ever, so it never goes away. */
    struct store {
        std::mutex mutex;
        std::vector<record> records;

        void clear()
        {
            std::lock_guard<std::mutex> guard(mutex);
            records.clear();
        }
        std::vector<record> copy()
        {
            std::lock_guard<std::mutex> guard(mutex);
            return records;
        }
    };

    static store *shared()
    {
        static store *only = new store;
        return only;
    }

    /* Runs on any thread that logs. */
    static void on_record(const weft_log_record *r, void *data)
    {
        store *all = static_cast<store *>(data);
        record copy = { r->level,
                        r->logger,
                        r->message,
                        r->report != nullptr,
                        r->report != nullptr ? r->report->kind : WEFT_REPORT_MESSAGE,
                        r->report != nullptr ? r->report->code : 0 };
        std::lock_guard<std::mutex> guard(all->mutex);
        all->records.push_back(copy);
    }
};

#endif
