#ifndef WEFT_TESTS_SUPPORT_PROCESSES_HPP
#define WEFT_TESTS_SUPPORT_PROCESSES_HPP

/*
 * What the tests of processes share: starting them from lambdas, and the proof
 * that neither a child nor a descriptor is left.
 */

#include "support/io_world.hpp"

#include <cerrno>
#include <initializer_list>
#include <string>
#include <vector>

#include <sched.h>
#include <sys/wait.h>

#include "weft/process.h"

/* Whether this process has a child, running or a zombie. */
inline bool has_child()
{
    siginfo_t info = {};
    int r;

    do {
        r = waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL);
    } while (r < 0 && errno == EINTR);
    return r == 0;
}

/* In a task: let the loop run until no child is left; bounded, and no more than its exits take. */
inline bool wait_for_no_child()
{
    for (int i = 0; i < 5000 && has_child(); i++) {
        if (weft_sleep(WEFT_MS(1)) < 0) {
            return false;
        }
    }
    return !has_child();
}

/* On a plain thread, between two looks at something that ends by itself. */
inline void block_a_little()
{
    struct timespec pause = { 0, 1000000 };

    nanosleep(&pause, nullptr);
}

/* Threads of ours whose names begin with <name>. */
inline int n_threads_named(const std::string &name)
{
    int n = 0;
    DIR *folder = opendir("/proc/self/task");

    for (struct dirent *entry; folder != nullptr && (entry = readdir(folder)) != nullptr;) {
        std::string path = std::string("/proc/self/task/") + entry->d_name + "/comm";
        char comm[32] = "";
        int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            ssize_t size = read(fd, comm, sizeof comm - 1);
            n += size > 0 && std::string(comm).compare(0, name.size(), name) == 0;
            close(fd);
        }
    }
    if (folder != nullptr) {
        closedir(folder);
    }
    return n;
}

enum {
    in_pipe = 1,
    out_pipe = 2,
    err_pipe = 4
};

inline weft_process_options pipes(unsigned which)
{
    weft_process_options options = WEFT_PROCESS_OPTIONS_INIT;

    options.in.kind = which & in_pipe ? WEFT_PROCESS_PIPE : WEFT_PROCESS_DEVNULL;
    options.out.kind = which & out_pipe ? WEFT_PROCESS_PIPE : WEFT_PROCESS_DEVNULL;
    options.err.kind = which & err_pipe ? WEFT_PROCESS_PIPE : WEFT_PROCESS_INHERIT;
    return options;
}

inline int start(const weft_process_options &options, std::initializer_list<const char *> words,
                 weft_process **out_process)
{
    std::vector<const char *> argv(words);

    argv.push_back(nullptr);
    return weft_create_subprocess_exec(argv.data(), &options, out_process);
}

inline int start_shell(unsigned which, const char *line, weft_process **out_process)
{
    weft_process_options options = pipes(which);

    return weft_create_subprocess_shell(line, &options, out_process);
}

inline std::string text_of(weft_bytes *bytes)
{
    std::string text = bytes != nullptr ? std::string(bytes->data, bytes->size) : "(none)";

    weft_bytes_destroy(bytes);
    return text;
}

/* Run a line and return what it printed, with its code behind when that is not 0. */
inline std::string output_of(const weft_process_options &options,
                             std::initializer_list<const char *> words)
{
    weft_process *process = nullptr;
    weft_bytes *out = nullptr;
    int code = start(options, words, &process);

    if (code < 0) {
        return weft_error_name(code);
    }
    code = weft_process_communicate(process, nullptr, 0, &out, nullptr);
    int returncode = weft_process_get_returncode(process);
    weft_process_destroy(process);
    if (code < 0) {
        return weft_error_name(code);
    }
    return text_of(out) + (returncode == 0 ? "" : "(" + std::to_string(returncode) + ")");
}

#endif
