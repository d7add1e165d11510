#pragma once
// Why a journal cannot be opened.

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace xebec::broker::journal {

// A sentence that says what to do. `is_damage`: something that was on the disk has changed, and
// repairing loses it.
class JournalError : public std::runtime_error {
public:
    explicit JournalError(const std::string& sentence) : std::runtime_error(sentence) {}

    static JournalError damage(const std::filesystem::path& file, std::uint64_t offset,
                               const std::string& what) {
        JournalError error(file.string() + " is damaged at octet " + std::to_string(offset) + ": " +
                           what +
                           ". This had been on the disk, so the broker does not go on without it: "
                           "restore a backup, or see what xebec-broker --repair would cut");
        error.is_damage_ = true;
        error.file_ = file;
        error.offset_ = offset;
        error.fault_ = what;
        return error;
    }

    bool is_damage() const { return is_damage_; }
    const std::filesystem::path& file() const { return file_; }
    std::uint64_t offset() const { return offset_; }
    const std::string& fault() const { return fault_; }  // what is damaged, in short

private:
    bool is_damage_ = false;
    std::filesystem::path file_;
    std::uint64_t offset_ = 0;
    std::string fault_;
};

}  // namespace xebec::broker::journal
