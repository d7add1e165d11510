#pragma once
// A disk that keeps only what was flushed, and files on it. One seed decides what a power cut takes
// and leaves. Any operation can be told to fail, or to be the last one of its process.

#include "runtime/file_system.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace xebec::testing {

// Thrown out of the operation during which the process is killed.
struct Killed {};

class SimulatedDisk : public runtime::FileSystem {
public:
    static constexpr std::uint64_t sector_octets = 512;

    explicit SimulatedDisk(std::uint64_t seed) : random_(seed) {}

    // ---- faults ----

    // The operation with this number (from 0, counting those that change something) is the last: a
    // write may happen in part, then Killed is thrown, from every operation until `revive`.
    void kill_at(std::uint64_t operation) { kill_at_ = operation; }
    // That operation fails with this errno; a write may happen in part.
    void fail_at(std::uint64_t operation, int code) { fail_at_ = {operation, code}; }
    // Until `revive`, nothing can be opened to be read: this errno.
    void fail_opens(int code) { opens_fail_ = code; }
    // Whoever needs more than this is told that the disk is full.
    void set_octets_max(std::uint64_t octets) { octets_max_ = octets; }
    // From the operation with this number on, it is as full as it can be, until `make_room`.
    void fill_at(std::uint64_t operation) { full_from_ = operation; }
    void make_room() { full_from_.reset(); }
    void revive();

    // Unflushed sectors are each kept, lost or torn; unflushed changes of the folder each kept or
    // lost.
    void cut_power();

    std::uint64_t operations() const { return operations_; }
    std::uint64_t flushes() const { return flushes_; }
    std::uint64_t reads() const { return reads_; }
    std::uint64_t octets() const;  // of all files

    // ---- what lies there, for tests that change it ----

    std::vector<std::string> names() const;
    std::string content(const Path& path) const;
    void set_content(const Path& path, std::string content);
    void forget(const Path& path);
    // A copy of all that is there now, as if flushed.
    std::map<std::string, std::string> snapshot() const;
    void restore(const std::map<std::string, std::string>& files);

    // ---- runtime::FileSystem ----

    std::unique_ptr<runtime::File> open(const Path& path, runtime::FileAccess access) override;
    std::vector<std::string> list(const Path& folder) override;
    bool exists(const Path& path) override;
    void make_folder(const Path& path) override;
    void rename(const Path& from, const Path& to) override;
    void remove(const Path& path) override;
    void link(const Path& from, const Path& to) override;
    void flush_folder(const Path& folder) override;
    std::uint64_t free_octets(const Path& folder) override;

private:
    friend class SimulatedFile;

    struct Node {
        std::string now;
        std::string stored;
        std::set<std::uint64_t> dirty;  // sectors
    };
    using Folder = std::map<std::string, std::shared_ptr<Node>>;
    struct FolderChange {
        std::string from;  // empty: made
        std::string to;    // empty: removed
        std::shared_ptr<Node> node;
    };

    // Counts; throws if this one fails. A write passes what it would do in part.
    void operate(
        const char* action, const Path& path, const std::function<void()>& in_part = [] {});
    bool is_full() const { return full_from_ && operations_ >= *full_from_; }
    void expect_room(const char* action, const Path& path, std::uint64_t more) const;
    std::shared_ptr<Node> find(const char* action, const Path& path);
    void write(Node& node, std::uint64_t offset, std::string_view octets);
    static void resize(Node& node, std::uint64_t size);
    static void store(Node& node);
    void cut_power(Node& node);
    std::uint64_t draw(std::uint64_t below) { return below == 0 ? 0 : random_() % below; }
    static void apply(const FolderChange& change, Folder& folder);
    void change(FolderChange change);

    std::mt19937_64 random_;
    Folder now_;
    Folder stored_;
    std::vector<FolderChange> changes_;
    std::uint64_t operations_ = 0;
    std::uint64_t flushes_ = 0;
    std::uint64_t reads_ = 0;
    std::optional<std::uint64_t> kill_at_;
    std::optional<std::pair<std::uint64_t, int>> fail_at_;
    std::optional<int> opens_fail_;
    std::uint64_t octets_max_ = UINT64_MAX;
    std::optional<std::uint64_t> full_from_;
    bool is_dead_ = false;
};

}  // namespace xebec::testing
