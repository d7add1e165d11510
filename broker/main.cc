// xebec-broker: the only owner of state.

#include "broker/mend.h"
#include "broker/options.h"
#include "broker/server.h"
#include "protocol/names.h"
#include "runtime/descriptors.h"
#include "runtime/exit_status.h"
#include "runtime/log.h"
#include "runtime/signals.h"

#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <malloc.h>
#include <stdexcept>
#include <string>
#include <system_error>
#include <unistd.h>

namespace {

constexpr std::uint64_t descriptors_min = 256;

void need_descriptors() {
    const std::uint64_t limit = xebec::runtime::raise_descriptor_limit();
    if (limit < descriptors_min) {
        throw std::runtime_error("only " + std::to_string(limit) +
                                 " files may be open, and every peer is one: raise the limit to " +
                                 std::to_string(descriptors_min) + " or more (ulimit -n)");
    }
}

// Messages of some 100 KiB come and go all the time. glibc would map each anew, and give the pages
// of the next back to the system at once: a page fault for every 4 KiB of them. And tombstones fill
// and leave a hundred MiB in a second: what is given back has to be cleared when it is taken again.
void keep_freed_memory() {
    mallopt(M_MMAP_THRESHOLD, 16 << 20);
    mallopt(M_TRIM_THRESHOLD, 512 << 20);
}

// Millions of tasks lie in memory in no order that a cache could guess: with pages of 2 MiB finding
// them costs a fifth less. And what a message brings is taken and given back by the thousand: of
// each size glibc keeps seven blocks for a thread, and takes a lock for every other, which was 7 %
// of the loop. It is told only when a program starts, so this one starts once more.
void tune_memory(char** argv) {
    constexpr const char* tunables = "GLIBC_TUNABLES";
    std::error_code failure;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", failure);
    if (!failure && std::getenv(tunables) == nullptr &&
        setenv(tunables, "glibc.malloc.hugetlb=1:glibc.malloc.tcache_count=2048", 0) == 0) {
        execv(self.c_str(), argv);  // where that does not work, it goes on as it is
    }
}

}  // namespace

int main(int argc, char** argv) {
    tune_memory(argv);
    try {
        xebec::broker::Options options;
        if (const auto status = xebec::broker::parse_options(argc, argv, options)) {
            return *status;
        }
        if (options.repair || options.repair_now) {
            return xebec::broker::mend(options);
        }
        need_descriptors();
        keep_freed_memory();
        const xebec::runtime::Signals signals{SIGTERM, SIGINT};
        xebec::runtime::start_log("broker", options.log);
        xebec::broker::Server(options, signals).run();
        return xebec::runtime::exit_done;
    } catch (const xebec::broker::StoppedAtStart&) {
        return xebec::runtime::exit_done;
    } catch (const std::exception& error) {
        std::cerr << "xebec-broker: " << xebec::escape_controls(error.what()) << '\n';
        return xebec::runtime::exit_failed;
    }
}
