#include "h5/image.hpp"

#include <catch2/catch.hpp>

using cairn::h5::Image;
using Ranges = std::map<std::uint64_t, std::uint64_t>;

namespace {

void write(Image& image, std::uint64_t offset, std::string_view text) {
  image.write(offset, std::as_bytes(std::span(text)));
}

}  // namespace

TEST_CASE("an image reads back what was written, and zeros elsewhere") {
  Image image;
  write(image, 10, "abc");
  CHECK(image.read(8, 7) == std::string("\0\0abc\0\0", 7));
  write(image, 11, "X");
  CHECK(image.read(10, 3) == "aXc");
  CHECK(image.bytes() == 13);
}

TEST_CASE("an image of many terabytes holds only what was written") {
  Image image;
  const std::uint64_t far = std::uint64_t{1} << 50;
  write(image, far - 2, "abcd");
  CHECK(image.read(far - 3, 6) == std::string("\0abcd\0", 6));
  CHECK(image.bytes() == far + 2);
  CHECK(image.written() == Ranges{{far - 2, far + 2}});
}

TEST_CASE("a write across pages of an image is one range") {
  Image image;
  const std::string text(300000, 'x');
  write(image, 65530, text);
  CHECK(image.read(65530, text.size()) == text);
  CHECK(image.written() == Ranges{{65530, 365530}});
}

TEST_CASE("an image joins the ranges that touch and keeps the others apart") {
  Image image;
  write(image, 10, "aa");
  write(image, 20, "bb");
  CHECK(image.written() == Ranges{{10, 12}, {20, 22}});
  write(image, 12, "cc");
  CHECK(image.written() == Ranges{{10, 14}, {20, 22}});
  write(image, 18, "dd");
  CHECK(image.written() == Ranges{{10, 14}, {18, 22}});
  write(image, 11, "e");
  CHECK(image.written() == Ranges{{10, 14}, {18, 22}});
  write(image, 13, "ffffff");
  CHECK(image.written() == Ranges{{10, 22}});
  write(image, 0, std::string(40, 'g'));
  CHECK(image.written() == Ranges{{0, 40}});
  write(image, 50, "");
  CHECK(image.written() == Ranges{{0, 40}});
}

TEST_CASE("an image that is cut short keeps its length") {
  Image image;
  write(image, 100, "abc");
  image.set_bytes(50);
  CHECK(image.bytes() == 50);
}
