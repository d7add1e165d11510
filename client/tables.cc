#include "client/tables.h"

#include "protocol/check.h"
#include "protocol/names.h"

#include <algorithm>
#include <iterator>

namespace xebec::client {

namespace {

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
    check(cells.size() == columns_.size(), "a row has a cell for each column");
    for (std::string& cell : cells) {
        cell = escape_controls(cell);
    }
    rows_.push_back(std::move(cells));
}

std::string Table::text() const {
    std::vector<std::string> titles;
    std::vector<std::size_t> widths;
    for (const Column& column : columns_) {
        titles.push_back(column.title);
        widths.push_back(characters(column.title));
    }
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], characters(row[i]));
        }
    }
    std::string out;
    append_line(out, titles, widths);
    for (const auto& row : rows_) {
        append_line(out, row, widths);
    }
    return out;
}

void Table::append_line(std::string& out, const std::vector<std::string>& cells,
                        const std::vector<std::size_t>& widths) const {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string padding(widths[i] - characters(cells[i]), ' ');
        line += i == 0 ? "" : "  ";
        line += columns_[i].align == Align::right ? padding + cells[i] : cells[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
}

void Block::add(std::string_view name, std::string_view value) {
    lines_.emplace_back(name, escape_controls(value));
}

std::string Block::text() const {
    std::size_t width = 0;
    for (const auto& [name, value] : lines_) {
        width = std::max(width, name.size());
    }
    std::string out;
    for (const auto& [name, value] : lines_) {
        out += name;
        out.append(width - name.size() + 2, ' ');
        out += value;
        out += '\n';
    }
    return out;
}

std::string size_text(std::uint64_t octets) {
    constexpr const char* units[] = {" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
    if (octets < 1'024) {
        return std::to_string(octets) + " B";
    }
    std::size_t unit = 0;
    while (octets >= (std::uint64_t{1} << 20) && unit + 1 < std::size(units)) {
        octets >>= 10;
        ++unit;
    }
    return std::to_string(octets / 1'024) + "." + std::to_string(octets % 1'024 * 10 / 1'024) +
           units[unit];
}

std::string shortened(std::string_view text, std::size_t characters_max) {
    if (characters(text) <= characters_max) {
        return std::string(text);
    }
    std::size_t end = 0;
    for (std::size_t seen = 0; end < text.size(); ++end) {
        seen += is_continuation(text[end]) ? 0 : 1;
        if (seen == characters_max) {
            break;
        }
    }
    return std::string(text.substr(0, end)) + "…";
}

}  // namespace xebec::client
