#pragma once

#include "folder.hpp"
#include "model.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>

/// A root directory as it is on disk, looked at and damaged without the library.
namespace mpi_test {

/// The step that a name means; -1: none.
inline std::int64_t step_of(std::string name) {
  if (name.starts_with("step_")) name = name.substr(5);
  const bool digits = !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
  return digits ? std::atoll(name.c_str()) : -1;
}

/// What is in the root directory, as rank 0 sees it.
struct Look {
  std::map<std::int64_t, bool> steps;  // and whether they are pinned
  int set_aside = 0;
  int hidden = 0;
  int others = 0;

  static Look at(const cairn::Path& root) {
    std::vector<std::int64_t> numbers = {0, 0, 0};
    std::error_code none;
    if (cairn::testing::rank() == 0) {
      for (const auto& entry : std::filesystem::directory_iterator(root, none)) {
        const auto name = entry.path().filename().string();
        if (const auto step = step_of(name); step >= 0) {
          numbers.push_back(step);
          numbers.push_back(std::filesystem::exists(entry.path() / "pinned") ? 1 : 0);
        } else if (name.find(".damaged") != std::string::npos) {
          ++numbers[0];
        } else if (name.front() == '.' && name != ".cairn") {
          ++numbers[1];
        } else if (name != ".cairn") {
          ++numbers[2];
        }
      }
    }
    auto count = static_cast<int>(numbers.size());
    MPI_Bcast(&count, 1, MPI_INT, 0, MPI_COMM_WORLD);
    numbers.resize(static_cast<std::size_t>(count));
    MPI_Bcast(numbers.data(), count, MPI_INT64_T, 0, MPI_COMM_WORLD);
    Look look;
    look.set_aside = static_cast<int>(numbers[0]);
    look.hidden = static_cast<int>(numbers[1]);
    look.others = static_cast<int>(numbers[2]);
    for (std::size_t i = 3; i + 1 < numbers.size(); i += 2) look.steps[numbers[i]] = numbers[i + 1] != 0;
    return look;
  }
};

/// Of a step, whatever its name; empty: there is none.
inline cairn::Path directory_of(const cairn::Path& root, std::int64_t step) {
  for (const auto& entry : std::filesystem::directory_iterator(root))
    if (step_of(entry.path().filename().string()) == step) return entry.path();
  return {};
}

/// Damages a step whose values are all `generation`; false: it could not be. On rank 0.
inline bool inflict(Damage damage, const cairn::Path& directory, std::int64_t generation) {
  if (damage == Damage::token) return std::filesystem::remove(directory / "commit");
  if (damage == Damage::manifest) {
    std::filesystem::resize_file(directory / "checkpoint.json",
                                 std::filesystem::file_size(directory / "checkpoint.json") / 2);
    return true;
  }
  std::fstream file(directory / "state.h5", std::ios::in | std::ios::out | std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  const std::int64_t pattern[4] = {generation, generation, generation, generation};
  const auto at = bytes.find(std::string(reinterpret_cast<const char*>(pattern), sizeof pattern));
  if (at == std::string::npos) return false;
  file.clear();
  file.seekp(static_cast<std::streamoff>(at + 9));
  file.put(static_cast<char>(~bytes[at + 9]));
  return file.good();
}

}  // namespace mpi_test
