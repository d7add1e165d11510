#pragma once
// xebec-broker --repair and --repair-now.

#include "broker/options.h"

namespace xebec::broker {

// Says what is damaged and what is cut, on standard output; gives the exit status: 0 if the journal
// is sound now. Throws std::runtime_error with a sentence for people.
int mend(const Options& options);

}  // namespace xebec::broker
