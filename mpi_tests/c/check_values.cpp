#include "test_c_api.h"

#include <complex>
#include <string>

#include <cairn/cairn.hpp>

namespace {

int count_wrong(const cairn::Tree& tree, int ranks) {
  int wrong = 0;
  const auto expect = [&](bool good) { wrong += good ? 0 : 1; };
  const auto* T = tree.at("field/T").data<double>();
  for (int i = 0; i < ranks * 3; ++i)
    for (int j = 0; j < 5; ++j) expect(T[i * 5 + j] == i * 100 + j);
  const auto* whole = tree.at("whole").data<float>();
  for (int i = 0; i < 4; ++i) expect(whole[i] == static_cast<float>(i) + 0.5f);
  const auto* transposed = tree.at("transposed").data<std::int64_t>();
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 2; ++j) expect(transposed[i * 2 + j] == 10 * i + j);
  const auto* list = tree.at("list").data<std::int16_t>();
  for (int i = 0; i < 2 * ranks; ++i) expect(list[i] == i);
  const auto* boxes = tree.at("boxes").data<std::int32_t>();
  for (int row = 0; row < 2; ++row)
    for (int i = 0; i < 2 * ranks; ++i) expect(boxes[row * 2 * ranks + i] == 10 * (i / 2) + 2 * row + i % 2);
  std::int64_t row = 0;
  const auto* particles = tree.at("particles/x").data<double>();
  for (int rank = 0; rank < ranks; ++rank)
    for (int i = 0; i < 2 * (rank + 1); ++i) expect(particles[row++] == 1000 * rank + i);
  expect(tree.at("step").get<int>() == 42);
  expect(tree.at("note").get<std::string>() == "schöne Zeile");
  expect(tree.at("own/text").get<std::string>() == "fixed");
  expect(tree.at("own/value").get<double>() == 1.5);
  expect(tree.at("replicas").data<double>()[1] == 2.5);
  return wrong;
}

}  // namespace

int count_wrong_values(MPI_Comm comm, const char* path) {
  try {
    int ranks = 0;
    MPI_Comm_size(comm, &ranks);
    return count_wrong(cairn::load(comm, path, {.whole = true}), ranks);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1000;
  }
}
