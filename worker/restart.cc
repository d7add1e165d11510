#include "worker/restart.h"

#include <algorithm>

namespace xebec::worker {

Duration RestartPauses::after(Duration ran_for) {
    const Duration pause = ran_for >= good_run ? first : next_;
    next_ = std::min(2 * pause, longest);
    return pause;
}

}  // namespace xebec::worker
