#pragma once
// Whatever shows what the core decided to show.

#include "monitor/core.h"

namespace xebec::monitor {

class View {
public:
    virtual ~View() = default;

    virtual void show(const ShowUpdate& shown) = 0;
    virtual void show(const ShowInterval& shown) = 0;
    virtual void show(const Notice& notice) = 0;

    // Ends a batch of the above. False: nothing more is to be shown.
    virtual bool finish_batch() = 0;
};

}  // namespace xebec::monitor
