#pragma once
// Submits a file of tasks while it is being read, so that it may be longer than memory.

#include "client/options.h"

#include <xebec/task.h>

#include <istream>

namespace xebec::client {

struct BatchWish {
    NewTask defaults;   // what a line does not say
    bool wait = false;  // for the outcomes too
};

// Gives the exit code.
int submit_batch(const Options& options, const BatchWish& wish, std::istream& in);

// The next line without its end, at most `octets_max` of it. False at the end of the input;
// `is_cut` says that the line was longer.
bool read_line(std::istream& in, std::string& line, std::size_t octets_max, bool& is_cut);

}  // namespace xebec::client
