#include "tests/support/simulated_disk.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace xebec::testing {

using runtime::FileError;

class SimulatedFile : public runtime::File {
public:
    SimulatedFile(SimulatedDisk& disk, std::filesystem::path path,
                  std::shared_ptr<SimulatedDisk::Node> node)
        : disk_(disk), path_(std::move(path)), node_(std::move(node)) {}

    std::size_t read_at(std::uint64_t offset, char* into, std::size_t size) override {
        ++disk_.reads_;
        const std::string& octets = node_->now;
        if (offset >= octets.size()) {
            return 0;
        }
        return octets.copy(into, size, offset);
    }

    void write_at(std::uint64_t offset, std::string_view octets) override {
        const std::uint64_t end = offset + octets.size();
        if (end > node_->now.size()) {
            disk_.expect_room("write", path_, end - node_->now.size());
        }
        disk_.operate("write", path_, [&] {
            disk_.write(*node_, offset, octets.substr(0, disk_.draw(octets.size())));
        });
        disk_.write(*node_, offset, octets);
    }

    void flush() override {
        // After a failure the sectors look clean and are not stored.
        disk_.operate("flush", path_, [&] {
            if (!disk_.is_dead_) {
                node_->dirty.clear();
            }
        });
        ++disk_.flushes_;
        SimulatedDisk::store(*node_);
    }

    std::uint64_t size() override { return node_->now.size(); }

    void truncate(std::uint64_t size) override {
        disk_.operate("truncate", path_);
        disk_.resize(*node_, size);
    }

    void allocate(std::uint64_t size) override {
        if (size > node_->now.size()) {
            disk_.expect_room("take room for", path_, size - node_->now.size());
        }
        disk_.operate("take room for", path_);
        if (size > node_->now.size()) {
            disk_.resize(*node_, size);
        }
    }

private:
    SimulatedDisk& disk_;
    std::filesystem::path path_;
    std::shared_ptr<SimulatedDisk::Node> node_;
};

void SimulatedDisk::operate(const char* action, const Path& path,
                            const std::function<void()>& in_part) {
    if (is_dead_) {
        throw Killed{};
    }
    const std::uint64_t number = operations_++;
    if (kill_at_ == number) {
        is_dead_ = true;
        in_part();
        throw Killed{};
    }
    if (fail_at_ && fail_at_->first == number) {
        in_part();
        throw FileError(action, path, fail_at_->second);
    }
}

void SimulatedDisk::expect_room(const char* action, const Path& path, std::uint64_t more) const {
    if (octets() + more > octets_max_ || is_full()) {
        throw FileError(action, path, ENOSPC);
    }
}

void SimulatedDisk::revive() {
    is_dead_ = false;
    kill_at_.reset();
    fail_at_.reset();
    opens_fail_.reset();
}

// ---- power ----

void SimulatedDisk::cut_power() {
    for (const FolderChange& change : changes_) {
        if (draw(2) == 0) {
            apply(change, stored_);
        }
    }
    changes_.clear();
    std::set<Node*> nodes;
    for (const auto& [name, node] : stored_) {
        nodes.insert(node.get());
    }
    std::vector<Node*> in_order;  // pointers differ from run to run, names do not
    for (const auto& [name, node] : stored_) {
        if (nodes.erase(node.get()) > 0) {
            in_order.push_back(node.get());
        }
    }
    for (Node* node : in_order) {
        cut_power(*node);
    }
    now_ = stored_;
    is_dead_ = false;
}

void SimulatedDisk::cut_power(Node& node) {
    const std::string before = node.now;
    if (before.size() != node.stored.size() && draw(2) == 0) {
        node.stored.resize(before.size());
    }
    for (const std::uint64_t sector : node.dirty) {
        const std::uint64_t begin = sector * sector_octets;
        const std::uint64_t end = std::min({begin + sector_octets, std::uint64_t{before.size()},
                                            std::uint64_t{node.stored.size()}});
        if (begin >= end) {
            continue;
        }
        const std::uint64_t kept =
            std::array<std::uint64_t, 3>{0, end - begin, draw(end - begin)}[draw(3)];
        before.copy(node.stored.data() + begin, kept, begin);
    }
    node.now = node.stored;
    node.dirty.clear();
}

// ---- files ----

void SimulatedDisk::write(Node& node, std::uint64_t offset, std::string_view octets) {
    if (octets.empty()) {
        return;
    }
    if (node.now.size() < offset + octets.size()) {
        resize(node, offset + octets.size());
    }
    octets.copy(node.now.data() + offset, octets.size());
    for (std::uint64_t sector = offset / sector_octets;
         sector * sector_octets < offset + octets.size(); ++sector) {
        node.dirty.insert(sector);
    }
}

void SimulatedDisk::resize(Node& node, std::uint64_t size) {
    for (std::uint64_t at = size; at < node.now.size(); at += sector_octets) {
        node.dirty.insert(at / sector_octets);  // what is cut off is zero if it comes again
    }
    node.now.resize(size);
}

// Only what looks dirty: what a flush that failed left behind stays in memory for ever.
void SimulatedDisk::store(Node& node) {
    node.stored.resize(node.now.size());
    for (const std::uint64_t sector : node.dirty) {
        const std::uint64_t begin = sector * sector_octets;
        if (begin < node.now.size()) {
            const std::uint64_t size = std::min(sector_octets, node.now.size() - begin);
            node.now.copy(node.stored.data() + begin, size, begin);
        }
    }
    node.dirty.clear();
}

std::uint64_t SimulatedDisk::octets() const {
    std::uint64_t sum = 0;
    for (const auto& [name, node] : now_) {
        sum += node->now.size();
    }
    return sum;
}

std::shared_ptr<SimulatedDisk::Node> SimulatedDisk::find(const char* action, const Path& path) {
    if (is_dead_) {
        throw Killed{};
    }
    const auto found = now_.find(path.string());
    if (found == now_.end()) {
        throw FileError(action, path, ENOENT);
    }
    return found->second;
}

std::unique_ptr<runtime::File> SimulatedDisk::open(const Path& path, runtime::FileAccess access) {
    if (access == runtime::FileAccess::read && opens_fail_) {
        throw FileError("open", path, *opens_fail_);
    }
    if (access == runtime::FileAccess::create) {
        if (exists(path)) {
            throw FileError("open", path, EEXIST);
        }
        operate("make", path);
        change({.from = {}, .to = path.string(), .node = std::make_shared<Node>()});
    }
    return std::make_unique<SimulatedFile>(*this, path, find("open", path));
}

// ---- folders ----

void SimulatedDisk::apply(const FolderChange& change, Folder& folder) {
    if (!change.from.empty()) {
        folder.erase(change.from);
    }
    if (!change.to.empty()) {
        folder[change.to] = change.node;
    }
}

void SimulatedDisk::change(FolderChange change) {
    apply(change, now_);
    changes_.push_back(std::move(change));
}

std::vector<std::string> SimulatedDisk::list(const Path& folder) {
    std::vector<std::string> names;
    for (const auto& [name, node] : now_) {
        if (Path(name).parent_path() == folder) {
            names.push_back(Path(name).filename().string());
        }
    }
    return names;
}

bool SimulatedDisk::exists(const Path& path) {
    return now_.contains(path.string());
}

void SimulatedDisk::make_folder(const Path&) {}

void SimulatedDisk::rename(const Path& from, const Path& to) {
    const auto node = find("rename", from);
    operate("rename", from);
    change({.from = from.string(), .to = to.string(), .node = node});
}

void SimulatedDisk::remove(const Path& path) {
    const auto node = find("remove", path);
    operate("remove", path);
    change({.from = path.string(), .to = {}, .node = node});
}

void SimulatedDisk::link(const Path& from, const Path& to) {
    const auto node = find("link", from);
    operate("link", from);
    change({.from = {}, .to = to.string(), .node = node});
}

void SimulatedDisk::flush_folder(const Path& folder) {
    operate("flush", folder);
    for (const FolderChange& change : changes_) {
        apply(change, stored_);
    }
    changes_.clear();
}

std::uint64_t SimulatedDisk::free_octets(const Path&) {
    if (is_full()) {
        return 0;
    }
    return octets_max_ - std::min(octets_max_, octets());
}

// ---- what lies there ----

std::vector<std::string> SimulatedDisk::names() const {
    std::vector<std::string> names;
    for (const auto& [name, node] : now_) {
        names.push_back(name);
    }
    return names;
}

std::string SimulatedDisk::content(const Path& path) const {
    return now_.at(path.string())->now;
}

void SimulatedDisk::set_content(const Path& path, std::string content) {
    auto node = std::make_shared<Node>();
    node->now = content;
    node->stored = std::move(content);
    now_[path.string()] = node;
    stored_[path.string()] = node;
}

void SimulatedDisk::forget(const Path& path) {
    now_.erase(path.string());
    stored_.erase(path.string());
}

std::map<std::string, std::string> SimulatedDisk::snapshot() const {
    std::map<std::string, std::string> files;
    for (const auto& [name, node] : now_) {
        files[name] = node->now;
    }
    return files;
}

void SimulatedDisk::restore(const std::map<std::string, std::string>& files) {
    now_.clear();
    stored_.clear();
    changes_.clear();
    for (const auto& [name, content] : files) {
        set_content(name, content);
    }
    is_dead_ = false;
}

}  // namespace xebec::testing
