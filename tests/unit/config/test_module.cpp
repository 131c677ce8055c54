/* Modules are read, never run: the real one is this very program, the hostile ones are made. */
#include "support.hpp"

#include <elf.h>
#include <fcntl.h>
#include <random>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

extern "C" {
#include "config/module_schema.h"
#include "config/value.h"
}

namespace
{

#if defined(__x86_64__)
const uint16_t machine = EM_X86_64;
#else
const uint16_t machine = EM_AARCH64;
#endif

/* A module as small as can be: header, descriptor, names, three section headers. */
struct image {
    Elf64_Ehdr header = {};
    weft_service_descriptor descriptor = {};
    char names[32] = "\0.shstrtab\0weft.service";
    Elf64_Shdr sections[3] = {};

    image()
    {
        memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_type = ET_DYN;
        header.e_machine = machine;
        header.e_shoff = offsetof(image, sections);
        header.e_shentsize = sizeof(Elf64_Shdr);
        header.e_shnum = 3;
        header.e_shstrndx = 1;
        sections[1].sh_name = 1;
        sections[1].sh_type = SHT_STRTAB;
        sections[1].sh_offset = offsetof(image, names);
        sections[1].sh_size = sizeof names;
        sections[2].sh_name = 11;
        sections[2].sh_type = SHT_PROGBITS;
        sections[2].sh_offset = offsetof(image, descriptor);
        sections[2].sh_size = sizeof descriptor;
        strcpy(descriptor.magic, "WEFTSVC");
        descriptor.abi = WEFT_SERVICE_ABI;
        descriptor.size = sizeof descriptor;
        strcpy(descriptor.name, "made");
        strcpy(descriptor.settings[0].key, "size");
        strcpy(descriptor.settings[0].fallback, "4KiB");
        descriptor.settings[0].kind = WEFT_SETTING_SIZE;
    }

    std::string bytes() const
    {
        return std::string(reinterpret_cast<const char *>(this), sizeof *this);
    }
};

struct result {
    int rc;
    std::string why;
    config_module_schema schema;
};

/* What a default means: the same value may be written in two ways. */
std::string canonical(const config_key &row)
{
    config_arena arena;
    config_value value;
    char why[256];
    config_arena_init(&arena, 1 << 16);
    std::string text = "wrong";
    if (config_value_parse(&row, row.default_text, strlen(row.default_text), &arena, &value, why) ==
        0) {
        text = config_value_format(&row, &value, &arena);
    }
    config_arena_fini(&arena);
    return text;
}

/* The cache outlives the result's schema. */
struct reader {
    config_module_cache cache;
    scratch directory;

    reader()
    {
        config_module_cache_init(&cache);
    }
    ~reader()
    {
        config_module_cache_fini(&cache);
    }
    result path(const std::string &path)
    {
        char why[256] = "";
        result out = {};
        out.rc = config_module_read_schema(path.c_str(), &out.schema, why, &cache);
        out.why = why;
        return out;
    }
    result bytes(const std::string &bytes)
    {
        return path(directory.write("m.so", bytes));
    }
    std::string why(const image &image)
    {
        result out = bytes(image.bytes());
        CHECK(out.rc < 0);
        return out.why;
    }
};

const std::string no_module = "it is no module of weft: ";

} // namespace

TEST_CASE("module: this program's own descriptor", "[config][module]")
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    weft_service_descriptor descriptor;
    char why[256] = "";
    int rc = config_module_read(fd, &descriptor, why);
    close(fd);
    INFO(why);
    REQUIRE(rc == 0);
    CHECK(std::string(descriptor.name) == "sample");
    CHECK(std::string(descriptor.version) == "1.0");
    CHECK(descriptor.connected == nullptr);
    CHECK(std::string(descriptor.settings[5].key) == "token");
}

TEST_CASE("module: its settings become a schema and are checked by it", "[config][module]")
{
    reader reader;
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    REQUIRE(length > 0);
    self[length] = '\0';
    /* A copy, for the build directory may be anybody's. */
    std::string copy = reader.directory.path + "/sample.so";
    REQUIRE(system(("cp '" + std::string(self) + "' '" + copy + "' && chmod 755 '" + copy + "'")
                       .c_str()) == 0);
    config_options options = {};
    std::string text = "services:\n"
                       "  s:\n"
                       "    module: " +
                       copy +
                       "\n"
                       "    settings: {token: t, pause: 1s, greeting: hi}\n";
    options.text = text.data();
    options.text_length = text.size();
    options.module = config_module_read_schema;
    options.module_data = &reader.cache;
    loaded file;
    file.with(options, "f");
    CHECK(file.text == "");
    REQUIRE(file.rc == 0);
    const config_service *service = config_find_service(file.config, "s");
    CHECK(service->settings.count == 6);
    CHECK(std::string(config_find_setting(service, "greeting")->as.text) == "hi");
    CHECK(config_find_setting(service, "count")->as.number == 3);
    CHECK(config_find_setting(service, "pause")->as.number == 1000000000);
    CHECK(config_find_setting(service, "buffer")->as.number == 4096);

    text = "services:\n"
           "  s:\n"
           "    module: " +
           copy +
           "\n"
           "    settings: {cuont: 4, pause: 1, token: far-too-long}\n";
    options.text = text.data();
    options.text_length = text.size();
    loaded bad;
    bad.with(options, "f");
    CHECK(bad.text ==
          "f:4:16: error: unknown key 'cuont' in services.s.settings; did you mean 'count'?\n"
          "    4 |     settings: {cuont: 4, pause: 1, token: far-too-long}\n"
          "      |                ^~~~~\n"
          "f:4:33: error: services.s.settings.pause: '1' has no unit; write 1s\n"
          "    4 |     settings: {cuont: 4, pause: 1, token: far-too-long}\n"
          "      |                                 ^\n"
          "f:4:43: error: services.s.settings.token: the text is longer than 8 bytes\n"
          "    4 |     settings: {cuont: 4, pause: 1, token: far-too-long}\n"
          "      |                                           ^~~~~~~~~~~~\n");
}

TEST_CASE("module: the built-in ones say what the configuration says of them", "[config][module]")
{
    for (std::string name : { "http", "proxy", "echo", "status" }) {
        reader reader;
        std::string file = WEFT_TEST_MODULE_DIR "/" + name + ".so";
        std::string copy = reader.directory.path + "/m.so";
        REQUIRE(system(("cp '" + file + "' '" + copy + "' && chmod 755 '" + copy + "'").c_str()) ==
                0);
        result out = reader.path(copy);
        INFO(name << " " << out.why);
        REQUIRE(out.rc == 0);
        const config_module_schema *table = config_builtin_module(name.c_str());
        REQUIRE(out.schema.n_keys == table->n_keys);
        for (size_t i = 0; i < table->n_keys; i++) {
            const config_key &row = table->keys[i];
            const config_key *same = nullptr;
            for (size_t k = 0; k < out.schema.n_keys; k++) {
                if (strcmp(out.schema.keys[k].path, row.path) == 0) {
                    same = &out.schema.keys[k];
                }
            }
            INFO(row.path);
            REQUIRE(same != nullptr);
            CHECK(same->kind == row.kind);
            CHECK(same->min == row.min);
            CHECK(same->max == row.max);
            CHECK((same->default_text == nullptr) == (row.default_text == nullptr));
            if (row.default_text != nullptr) {
                CHECK(canonical(*same) == canonical(row));
            }
        }
    }
}

TEST_CASE("module: config_load() reads it", "[config][module]")
{
    reader reader;
    std::string module = reader.directory.write("m.so", image().bytes());
    std::string path = reader.directory.write("weft.yaml", "services: {s: {module: " + module +
                                                               ", settings: {size: 1KiB}}}\n");
    loaded file;
    file.file(path);
    CHECK(file.text == "");
    REQUIRE(file.rc == 0);
    CHECK(config_find_setting(&file.config->services[0], "size")->as.number == 1024);
}

TEST_CASE("module: the smallest one is read", "[config][module]")
{
    reader reader;
    result out = reader.bytes(image().bytes());
    INFO(out.why);
    REQUIRE(out.rc == 0);
    REQUIRE(out.schema.n_keys == 1);
    CHECK(std::string(out.schema.keys[0].path) == "size");
    CHECK(out.schema.keys[0].kind == CONFIG_KIND_SIZE);
}

TEST_CASE("module: what is wrong with a file is told", "[config][module]")
{
    reader reader;
    CHECK(reader.bytes("").why == no_module + "it is no ELF file");
    CHECK(reader.bytes(std::string(5000, 'x')).why == no_module + "it is no ELF file");

    image other;
    other.header.e_machine = EM_SPARC;
    CHECK(reader.why(other) == no_module + "it is built for another kind of machine");
    other = image();
    other.header.e_ident[EI_CLASS] = ELFCLASS32;
    CHECK(reader.why(other) == no_module + "it is built for another kind of machine");
    other = image();
    other.header.e_ident[EI_DATA] = ELFDATA2MSB;
    CHECK(reader.why(other) == no_module + "it is built for another kind of machine");
    other = image();
    other.header.e_type = ET_REL;
    CHECK(reader.why(other) == no_module + "it is no shared object");
    other = image();
    other.header.e_shnum = 0;
    CHECK(reader.why(other) == no_module + "its section headers are missing or wrong");
    other = image();
    other.header.e_shoff = UINT64_MAX - 5;
    CHECK(reader.why(other) == no_module + "its section headers are missing or wrong");
    other = image();
    other.header.e_shnum = 65535;
    other.names[11] = 'x';
    CHECK(reader.why(other) == no_module + "its section headers are missing or wrong");
    other = image();
    other.header.e_shstrndx = 3;
    CHECK(reader.why(other) == no_module + "its section headers are missing or wrong");

    const std::string none = no_module + "it has no section weft.service; WEFT_SERVICE makes it";
    other = image();
    other.names[11] = 'x';
    CHECK(reader.why(other) == none);
    other = image();
    other.sections[2].sh_type = SHT_NOBITS;
    CHECK(reader.why(other) == none);
    other = image();
    other.sections[2].sh_name = UINT32_MAX;
    CHECK(reader.why(other) == none);
    other = image();
    other.sections[1].sh_size = 20;
    CHECK(reader.why(other) == none);
    other = image();
    other.sections[1].sh_offset = UINT64_MAX;
    CHECK(reader.why(other) == none);

    other = image();
    other.sections[2].sh_offset = sizeof(image) - 100;
    CHECK(reader.why(other) == no_module + "its descriptor is cut off");
    other = image();
    other.sections[2].sh_offset = UINT64_MAX - 3;
    CHECK(reader.why(other) == no_module + "its descriptor is cut off");
    other = image();
    other.sections[2].sh_size = 4;
    CHECK(reader.why(other) == no_module + "its descriptor is cut off");
}

TEST_CASE("module: another age of the interface", "[config][module]")
{
    reader reader;
    std::string size = std::to_string(sizeof(weft_service_descriptor));
    image other;
    other.descriptor.magic[0] = 'X';
    CHECK(reader.why(other) == no_module + "its descriptor has no magic");
    other = image();
    other.descriptor.abi = 2;
    CHECK(reader.why(other) ==
          "it is built for version 2 of the module interface, this weftd has 1");
    other = image();
    other.descriptor.size = 100;
    CHECK(reader.why(other) ==
          "its descriptor has 100 bytes, " + size + " are expected: build it again");
    other = image();
    other.sections[2].sh_size = 64;
    CHECK(reader.why(other) ==
          "its descriptor has " + size + " bytes, " + size + " are expected: build it again");
}

TEST_CASE("module: settings that make no sense", "[config][module]")
{
    reader reader;
    image other;
    auto &setting = other.descriptor.settings[0];
    memset(setting.key, 'k', sizeof setting.key);
    CHECK(reader.why(other) == "the name of its setting number 1 is no word");
    strcpy(setting.key, "a.b");
    CHECK(reader.why(other) == "the name of its setting number 1 is no word");
    other = image();
    memset(setting.doc, 'd', sizeof setting.doc);
    CHECK(reader.why(other) == "its setting 'size' is wrong: a text of it has no end");
    other = image();
    setting.kind = 99;
    CHECK(reader.why(other) == "its setting 'size' is wrong: its kind is unknown");
    other = image();
    setting.min = 5;
    CHECK(reader.why(other) == "its setting 'size' is wrong: its bounds exclude everything");
    other = image();
    other.descriptor.settings[1] = setting;
    CHECK(reader.why(other) == "its setting 'size' is wrong: it is there twice");
    other = image();
    memset(other.descriptor.name, 'n', sizeof other.descriptor.name);
    CHECK(reader.why(other) == "its name or version is no word");
}

TEST_CASE("module: a default of its own that is wrong", "[config][module]")
{
    reader reader;
    image other;
    strcpy(other.descriptor.settings[0].fallback, "4k");
    std::string path = reader.directory.write("m.so", other.bytes());
    std::string text = "services: {s: {module: " + path + "}}\n";
    config_options options = {};
    options.text = text.data();
    options.text_length = text.size();
    options.module = config_module_read_schema;
    options.module_data = &reader.cache;
    loaded file;
    file.with(options, "f");
    CHECK(file.rc == -EINVAL);
    CHECK(file.text.find("error: services.s.settings.size: the module's own default is wrong: "
                         "'4k' has no known unit; write 4KiB\n") != std::string::npos);
}

TEST_CASE("module: whom a file and its directories belong to", "[config][module]")
{
    reader reader;
    std::string directory = reader.directory.path;
    std::string path = reader.directory.write("m.so", image().bytes());
    CHECK(reader.path(path).rc == 0);
    CHECK(reader.path("m.so").why == "an absolute path is expected");
    CHECK(reader.path("").why == "an absolute path is expected");
    CHECK(reader.path("/" + std::string(5000, 'x')).why == "an absolute path is expected");
    CHECK(reader.path(directory + "/none.so").why == "cannot be found: No such file or directory");

    REQUIRE(chmod(path.c_str(), 0666) == 0);
    CHECK(reader.path(path).why == "everybody may write it; run chmod o-w");
    REQUIRE(chmod(path.c_str(), 0644) == 0);

    REQUIRE(chmod(directory.c_str(), 0777) == 0);
    CHECK(reader.path(path).why == "everybody may write the directory '" + directory + "'");
    REQUIRE(chmod(directory.c_str(), 01777) == 0);
    CHECK(reader.path(path).rc == 0);
    REQUIRE(chmod(directory.c_str(), 0700) == 0);

    std::string link = directory + "/link.so";
    REQUIRE(symlink(path.c_str(), link.c_str()) == 0);
    CHECK(reader.path(link).why == "it is a symbolic link; name the file itself");
    CHECK(reader.path(directory).why == "it is not a regular file");
    std::string fifo = directory + "/fifo";
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    CHECK(reader.path(fifo).why == "it is not a regular file");

    /* A link on the way is followed, and what it leads through is looked at as well. */
    std::string open_directory = directory + "/open";
    std::string inner = open_directory + "/inner";
    std::string way = directory + "/way";
    REQUIRE(mkdir(open_directory.c_str(), 0700) == 0);
    REQUIRE(mkdir(inner.c_str(), 0700) == 0);
    reader.directory.write("open/inner/m.so", image().bytes());
    REQUIRE(symlink(inner.c_str(), way.c_str()) == 0);
    CHECK(reader.path(way + "/m.so").rc == 0);
    REQUIRE(chmod(open_directory.c_str(), 0777) == 0);
    CHECK(reader.path(way + "/m.so").why ==
          "everybody may write the directory '" + open_directory + "'");

    if (geteuid() == 0) {
        REQUIRE(chown(path.c_str(), 12345, 0) == 0);
        CHECK(reader.path(path).why ==
              "it belongs to user 12345, neither to root nor to user 0 who runs weftd");
    }
}

TEST_CASE("module: thousands of broken files are read without harm", "[config][module][slow]")
{
    std::mt19937 random(20260511);
    std::string good = image().bytes();
    int accepted = 0;
    int fd = memfd_create("module", MFD_CLOEXEC);
    REQUIRE(fd >= 0);
    for (int round = 0; round < 3000; round++) {
        std::string bytes = good;
        unsigned n = 1 + random() % 4;
        for (unsigned i = 0; i < n; i++) {
            /* Half of the blows go to the headers, which are few of the bytes. */
            size_t at = random() % bytes.size();
            if (random() % 2 == 0) {
                at = random() % 2 == 0 ? random() % sizeof(Elf64_Ehdr)
                                       : offsetof(image, names) + random() % (32 + 3 * 64);
            }
            bytes[at] = random() % 3 == 0 ? '\xff' : (char)random();
        }
        if (random() % 8 == 0) {
            bytes.resize(random() % bytes.size());
        }
        weft_service_descriptor descriptor;
        char why[256] = "";
        REQUIRE(ftruncate(fd, 0) == 0);
        REQUIRE(pwrite(fd, bytes.data(), bytes.size(), 0) == (ssize_t)bytes.size());
        int rc = config_module_read(fd, &descriptor, why);
        if (rc != 0 && why[0] == '\0') {
            FAIL("round " << round << ": refused without a reason");
        }
        accepted += rc == 0;
    }
    close(fd);
    CHECK(accepted > 0);
    CHECK(accepted < 3000);
}
