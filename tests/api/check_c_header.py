"""cairn.h compiles alone, as C99 to C17 and as C++11 to C++20, by each compiler, without a warning; it needs no more than
<stddef.h>, <stdint.h> and <mpi.h>."""

import re
import sys

import compilers

LANGUAGES = {"c": ("c99", "c11", "c17"), "c++": ("c++11", "c++14", "c++17", "c++20")}
FLAGS = ["-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror", "-DOMPI_SKIP_MPICXX", "-DMPICH_SKIP_MPICXX"]
PROGRAM = """#include <cairn/cairn.h>
int main(void) {
  cairn_save_options options;
  CAIRN_INIT(&options);
  return cairn_save(NULL, "", NULL, &options, NULL) == CAIRN_OK;
}
"""


def main():
    arguments = compilers.parse_arguments()
    headers = [arguments.include / "cairn" / "cairn.h", *sorted((arguments.include / "cairn" / "c_api").glob("*.h"))]
    failures = []
    for header in headers:
        for name in re.findall(r"#\s*include\s*<(.*)>", header.read_text()):
            if name not in ("stddef.h", "stdint.h", "mpi.h"):
                failures.append(f"{header} includes <{name}>")

    def check(compiler, language, standard):
        program = compiler if language == "c++" else compiler.replace("clang++", "clang").replace("g++", "gcc")
        errors = compilers.run([program, f"-std={standard}", *FLAGS, *arguments.flags, "-fsyntax-only", "-x", language, "-"],
                               PROGRAM)
        return errors and f"cairn.h as {standard} by {program}:\n{errors}"

    jobs = [(compiler, language, standard) for compiler in arguments.compilers
            for language, standards in LANGUAGES.items() for standard in standards]
    failures += [failure for failure in compilers.in_parallel(check, jobs) if failure]
    print(f"{len(headers)} headers, {len(jobs)} compilations, {len(failures)} failures")
    sys.exit("\n".join(failures) if failures else 0)


if __name__ == "__main__":
    main()
