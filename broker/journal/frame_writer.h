#pragma once
// Continues a chain of frames: whoever writes them, their headers are completed here.

#include "broker/journal/format.h"
#include "runtime/file_system.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace xebec::broker::journal {

// Where a chain has come to.
struct Chain {
    std::uint64_t nonce = 0;
    std::uint64_t checksum = 0;  // of the frame before
    std::uint64_t position = 0;
    std::uint32_t oldest = 1;

    // Completes the header of a frame whose kind, offset, sizes and `flushed` are set, writes it
    // into `into`, and goes on behind it.
    void link(Frame& frame, std::string_view metadata, char* into) {
        frame.oldest_segment = oldest;
        frame.position = position;
        frame.nonce = nonce;
        frame.predecessor = checksum;
        encode(frame, metadata, into);
        checksum = frame.checksum;
        position += frame.record_count;
    }
};

// Writes a frame of one sector.
inline void write_sector(runtime::File& file, Chain& chain, Frame frame,
                         std::string_view metadata = {}) {
    std::array<char, sector_octets> octets{};
    frame.metadata_octets = static_cast<std::uint32_t>(metadata.size());
    metadata.copy(octets.data() + frame_header_octets, metadata.size());
    chain.link(frame, metadata, octets.data());
    file.write_at(frame.offset, {octets.data(), octets.size()});
}

}  // namespace xebec::broker::journal
