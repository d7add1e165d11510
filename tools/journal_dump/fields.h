#pragma once
// A record's fields by name.

#include "broker/core/records.h"
#include "broker/journal/record_codec.h"

#include <nlohmann/json.hpp>

#include <optional>

namespace xebec::journal_dump {

using Json = nlohmann::ordered_json;

// {"record": its type, …}; fields that say nothing are left out. Of a payload that stands apart
// there is the size only. Texts may hold octets that are no UTF-8.
Json fields_of(const broker::Record& record, const broker::journal::Places& places);

// The task a record is about, if it is about one.
std::optional<std::uint64_t> task_of(const broker::Record& record);

}  // namespace xebec::journal_dump
