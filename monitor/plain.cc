#include "monitor/plain.h"

#include <utility>

namespace xebec::monitor {

PlainView::PlainView(PlainOptions options, std::ostream& out, std::ostream& notices)
    : options_(std::move(options)),
      out_(out),
      notices_(notices),
      update_lines_(options_.style),
      stats_lines_(options_.style) {}

void PlainView::show(const ShowUpdate& shown) {
    if (options_.stats || !has_room()) {
        return;
    }
    const std::string line = update_lines_.line(shown);
    if (lines_ == 0 && options_.style.terminal && !options_.style.json) {
        const std::string heading = update_lines_.heading();
        out_ << (options_.style.colours ? paint(heading, colour::bold) : heading) << '\n';
    }
    out_ << line << '\n';
    ++lines_;
}

void PlainView::show(const ShowInterval& shown) {
    if (options_.stats && has_room()) {
        out_ << stats_lines_.row(shown.interval) << '\n';
        ++lines_;
    }
}

void PlainView::show(const Notice& notice) {
    if (!has_room()) {
        return;
    }
    if (options_.style.json) {
        out_ << notice_line(notice, options_.endpoints, options_.style) << '\n';
        return;
    }
    // So that a notice stands behind the lines that came before it.
    out_.flush();
    notices_ << notice_line(notice, options_.endpoints, options_.notice_style) << '\n';
}

bool PlainView::finish_batch() {
    out_.flush();
    notices_.flush();
    // A stream that fails is a pipe whose reader has seen enough.
    return out_.good() && has_room();
}

}  // namespace xebec::monitor
