#pragma once
// Whole conversations as frames, the same that stand in docs/protocol.md. They never change within
// a major version: a peer built from the document must be understood for ever.

#include <string>
#include <vector>

namespace xebec::testing {

struct Golden {
    std::string name;                 // of its block in the document
    std::vector<std::string> frames;  // as a DEALER or a SUB sees them
};

std::vector<Golden> golden_frames();

}  // namespace xebec::testing
