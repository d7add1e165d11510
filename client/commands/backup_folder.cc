#include "client/commands/backup_folder.h"

#include "runtime/files.h"

#include <cstring>
#include <system_error>

namespace xebec::client {

namespace {

namespace fs = std::filesystem;

// A broker refuses a journal that has such a file in it.
constexpr std::string_view unfinished_name = "unfinished-backup";

std::string segment_name(std::uint32_t segment) {
    constexpr std::size_t digits = 10;
    const std::string number = std::to_string(segment);
    return "segment-" + std::string(digits - number.size(), '0') + number;
}

// Of the whole file, as docs/journal.md says; 0 if there is no header.
std::uint64_t size_in_header(std::string_view octets) {
    constexpr std::size_t at = 20;
    std::uint32_t size = 0;
    if (octets.size() >= at + sizeof size) {
        std::memcpy(&size, octets.data() + at, sizeof size);
    }
    return size;
}

}  // namespace

std::string BackupFolder::problem(const fs::path& path) {
    std::error_code failure;
    const fs::file_status status = fs::status(path, failure);
    if (status.type() == fs::file_type::not_found) {
        return {};
    }
    if (!fs::is_directory(status)) {
        return path.string() + " is not a folder";
    }
    const bool is_empty = fs::is_empty(path, failure);
    if (failure) {
        return "cannot look at " + path.string() + ": " + failure.message();
    }
    return is_empty ? "" : path.string() + " is not empty: a backup needs a folder of its own";
}

BackupFolder::BackupFolder(fs::path path)
    : path_(std::move(path)), journal_(path_ / "journal"), is_ours_(!files_.exists(path_)) {
    files_.make_folder(journal_);
    std::error_code ignored;  // of another user's: its files are for their owner alone anyhow
    fs::permissions(path_, fs::perms::owner_all, ignored);
    files_.open(journal_ / unfinished_name, runtime::FileAccess::create)->flush();
    files_.flush_folder(journal_);
    files_.flush_folder(path_);
    files_.flush_folder(path_.parent_path());
}

BackupFolder::~BackupFolder() {
    if (is_finished_) {
        return;
    }
    segment_.reset();
    std::error_code ignored;
    fs::remove_all(journal_, ignored);
    fs::remove(path_ / "epoch", ignored);
    fs::remove(path_ / "epoch.new", ignored);
    if (is_ours_) {
        fs::remove(path_, ignored);
    }
}

void BackupFolder::begin_segment(std::uint32_t segment) {
    segment_ = files_.open(journal_ / segment_name(segment), runtime::FileAccess::create);
    segment_octets_ = 0;
    size_ = 0;
}

void BackupFolder::append(std::string_view octets) {
    if (segment_octets_ == 0) {
        size_ = size_in_header(octets);
    }
    segment_->write_at(segment_octets_, octets);
    segment_octets_ += octets.size();
}

void BackupFolder::end_segment() {
    if (segment_octets_ < size_) {
        segment_->truncate(size_);  // zeros follow
    }
    segment_->flush();
    segment_.reset();
}

void BackupFolder::finish(std::uint64_t epoch) {
    runtime::replace_file(path_ / "epoch", std::to_string(epoch) + "\n");
    files_.flush_folder(journal_);
    files_.remove(journal_ / unfinished_name);
    files_.flush_folder(journal_);
    is_finished_ = true;
}

}  // namespace xebec::client
