#include "monitor/plain.h"

#include <cstddef>
#include <utility>

namespace xebec::monitor {

namespace {

constexpr std::size_t octets_per_write = 64 << 10;

}  // namespace

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
    const std::string& line = update_lines_.line(shown);
    if (lines_ == 0 && options_.style.terminal && !options_.style.json) {
        const std::string heading = update_lines_.heading();
        put(options_.style.colours ? paint(heading, colour::bold) : heading);
    }
    put(line);
    ++lines_;
}

void PlainView::show(const ShowInterval& shown) {
    if (options_.stats && has_room()) {
        put(stats_lines_.row(shown.interval));
        ++lines_;
    }
}

void PlainView::show(const Notice& notice) {
    if (!has_room()) {
        return;
    }
    if (options_.style.json) {
        put(notice_line(notice, options_.endpoints, options_.style));
        return;
    }
    // So that a notice stands behind the lines that came before it.
    write_out();
    notices_ << notice_line(notice, options_.endpoints, options_.notice_style) << '\n';
}

void PlainView::put(std::string_view line) {
    batch_ += line;
    batch_ += '\n';
    if (batch_.size() >= octets_per_write) {
        write_out();
    }
}

void PlainView::write_out() {
    out_.write(batch_.data(), static_cast<std::streamsize>(batch_.size()));
    out_.flush();
    batch_.clear();
}

bool PlainView::finish_batch() {
    write_out();
    notices_.flush();
    // A stream that fails is a pipe whose reader has seen enough.
    return out_.good() && has_room();
}

}  // namespace xebec::monitor
