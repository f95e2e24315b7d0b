#include "../h5/sample.hpp"

#include <cstdlib>

using namespace cairn;
using namespace cairn::h5;

TEST_CASE("a file of every dtype in every tiling is written to CAIRN_TEST_FILE") {
  const char* path = std::getenv("CAIRN_TEST_FILE");
  REQUIRE(path != nullptr);
  LayoutRequest request;
  request.leaves = sample::all_leaves();
  request.row_format = tree::RowFormat::for_ndims(8);
  request.table_rows = 16;
  request.attributes = {{"cairn", "0.1.0"}, {"note", "größe"}};
  const auto layout = lay_out(request);
  sample::write_structure(path, layout);
  sample::write_values(path, layout);

  std::vector<std::byte> row(request.row_format.bytes);
  tree::encode_row({2, 5, 0x1122334455667788, {{1, 2}, {3, 4}}}, request.row_format, row);
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  REQUIRE(::pwrite(file, row.data(), row.size(), static_cast<off_t>(layout.table_offset + row.size())) ==
          static_cast<ssize_t>(row.size()));
  ::close(file);
}
