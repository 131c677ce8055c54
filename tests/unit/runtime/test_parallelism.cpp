/* The CPUs that control groups leave us, read from a made-up tree. */
#include <catch2/catch.hpp>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sched.h>
#include <string>
#include <sys/prctl.h>
#include <unistd.h>

extern "C" {
#include "runtime/runtime.h"
#include "thread/start.h"
}

namespace
{

class fake_root
{
  public:
    fake_root()
    {
        char name[] = "/tmp/weft-cgroup-XXXXXX";
        REQUIRE(mkdtemp(name) != nullptr);
        path = name;
    }
    ~fake_root()
    {
        std::filesystem::remove_all(path);
    }
    void write(const std::string &name, const std::string &text) const
    {
        std::filesystem::path file = path + name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }
    int cpus() const
    {
        return wf_cgroup_cpus(path.c_str());
    }

  private:
    std::string path;
};

const char *const v2_mount =
    "22 1 0:20 / /proc rw,nosuid - proc proc rw\n"
    "31 23 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

const char *const v1_mounts =
    "40 23 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
    "41 23 0:31 / /sys/fs/cgroup/cpu,cpuacct rw shared:1 - cgroup cgroup rw,cpu,cpuacct\n";

} // namespace

TEST_CASE("parallelism: no control groups, no limit", "[parallelism]")
{
    fake_root root;
    CHECK(root.cpus() == 0);
    root.write("/proc/self/cgroup", "0::/a\n");
    CHECK(root.cpus() == 0);
}

TEST_CASE("parallelism: the quota of version 2 is rounded up", "[parallelism]")
{
    fake_root root;
    root.write("/proc/self/cgroup", "0::/system.slice/app.service\n");
    root.write("/proc/self/mountinfo", v2_mount);
    SECTION("a part of a CPU")
    {
        root.write("/sys/fs/cgroup/system.slice/app.service/cpu.max", "50000 100000\n");
        CHECK(root.cpus() == 1);
    }
    SECTION("two and a half")
    {
        root.write("/sys/fs/cgroup/system.slice/app.service/cpu.max", "250000 100000\n");
        CHECK(root.cpus() == 3);
    }
    SECTION("none")
    {
        root.write("/sys/fs/cgroup/system.slice/app.service/cpu.max", "max 100000\n");
        CHECK(root.cpus() == 0);
    }
    SECTION("the least on the way up rules")
    {
        root.write("/sys/fs/cgroup/system.slice/app.service/cpu.max", "800000 100000\n");
        root.write("/sys/fs/cgroup/system.slice/cpu.max", "400000 100000\n");
        CHECK(root.cpus() == 4);
    }
    SECTION("nonsense")
    {
        root.write("/sys/fs/cgroup/system.slice/app.service/cpu.max", "many\n");
        CHECK(root.cpus() == 0);
    }
}

TEST_CASE("parallelism: inside a container the mount's root is our group", "[parallelism]")
{
    fake_root root;
    root.write("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    SECTION("with a namespace of its own")
    {
        root.write("/proc/self/cgroup", "0::/\n");
        root.write("/proc/self/mountinfo", v2_mount);
    }
    SECTION("with the outer path in sight")
    {
        root.write("/proc/self/cgroup", "0::/docker/abc\n");
        root.write("/proc/self/mountinfo",
                   "31 23 0:27 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    }
    SECTION("seen from outside of its namespace")
    {
        root.write("/proc/self/cgroup", "0::/other\n");
        root.write("/proc/self/mountinfo",
                   "31 23 0:27 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    }
    CHECK(root.cpus() == 2);
}

TEST_CASE("parallelism: the quota of version 1", "[parallelism]")
{
    fake_root root;
    root.write("/proc/self/cgroup", "5:cpuset:/x\n4:cpu,cpuacct:/app\n0::/\n");
    root.write("/proc/self/mountinfo", v1_mounts);
    SECTION("set")
    {
        root.write("/sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", "150000\n");
        root.write("/sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us", "100000\n");
        CHECK(root.cpus() == 2);
    }
    SECTION("not set")
    {
        root.write("/sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", "-1\n");
        root.write("/sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us", "100000\n");
        CHECK(root.cpus() == 0);
    }
}

TEST_CASE("parallelism: at least one, at most what the affinity allows", "[parallelism]")
{
    cpu_set_t before;
    cpu_set_t one;
    int n = weft_available_parallelism();
    REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
    CHECK(n >= 1);
    CHECK(n <= CPU_COUNT(&before));
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++) {
        if (CPU_ISSET(cpu, &before)) {
            CPU_SET(cpu, &one);
        }
    }
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    CHECK(weft_available_parallelism() == 1);
    REQUIRE(sched_setaffinity(0, sizeof before, &before) == 0);
}

namespace
{

int refuse_affinity(pid_t, size_t, cpu_set_t *)
{
    errno = EPERM;
    return -1;
}

/* A kernel for 4096 CPUs, as some distributions build it. */
int want_large_set(pid_t, size_t size, cpu_set_t *cpus)
{
    if (size < CPU_ALLOC_SIZE(4096)) {
        errno = EINVAL;
        return -1;
    }
    for (int cpu = 2000; cpu < 2007; cpu++) {
        CPU_SET_S(cpu, size, cpus);
    }
    return 0;
}

} // namespace

TEST_CASE("parallelism: without an answer about affinity all CPUs count", "[parallelism][regress]")
{
    CHECK(wf_thread_count_cpus(refuse_affinity) == sysconf(_SC_NPROCESSORS_ONLN));
    CHECK(wf_thread_count_cpus(want_large_set) == 7);
    CHECK(wf_thread_count_cpus(nullptr) >= 1);
}

TEST_CASE("parallelism: a loop's thread is punctual, and the caller's slack comes back", "[run]")
{
    struct local {
        static int main(void *data)
        {
            *static_cast<int *>(data) = prctl(PR_GET_TIMERSLACK);
            return 0;
        }
    };
    int before = prctl(PR_GET_TIMERSLACK);
    int inside = 0;
    CHECK(weft_run(local::main, &inside) == 0);
    CHECK(inside <= 1000);
    CHECK(prctl(PR_GET_TIMERSLACK) == before);
}
