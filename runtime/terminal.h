#pragma once
// Whether a person reads what is written, or types what is read.

#include <unistd.h>

namespace xebec::runtime {

inline bool is_terminal(int descriptor) {
    return isatty(descriptor) == 1;
}

}  // namespace xebec::runtime
