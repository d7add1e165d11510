#pragma once
// What operators care about, as log lines: one for each thing that happened, but no flood.

#include "broker/core/effects.h"
#include "protocol/time.h"

namespace xebec::broker {

class NoticeLog {
public:
    void write(const Notice& notice, Instant now);

private:
    // Beyond so many lines in a second the rest is counted, and the count is written.
    static constexpr int lines_per_second_max = 50;

    bool has_room(Instant now);
    void write(const WorkerCame& notice);
    void write(const WorkerLeft& notice);
    void write(const TaskDead& notice);
    void write(const LeasesUnclaimed& notice);
    void write(const OctetsDamaged& notice);
    void write(const LeaseExpired& notice);
    void write(const BackupBegan& notice);
    void write(const BackupEnded& notice);

    Instant second_began_{};
    int lines_ = 0;
    int suppressed_ = 0;
};

}  // namespace xebec::broker
