"""Each public header compiles alone, as C++17 and as C++20, and by each compiler, without a warning.

All of them together are compiled in every way; each alone as C++17 by the first compiler and as C++20 by the last.
"""

import sys

import compilers


def main():
    arguments = compilers.parse_arguments()
    headers = sorted(header.name for header in (arguments.include / "cairn").glob("*.hpp"))
    if "cairn.hpp" not in headers:
        sys.exit(f"no headers under {arguments.include}/cairn")
    whole = (arguments.include / "cairn" / "cairn.hpp").read_text()
    failures = [f"cairn.hpp does not include {header}" for header in headers
                if header != "cairn.hpp" and f'#include "{header}"' not in whole]

    def check(compiler, standard, header):
        errors = compilers.compile_text([compiler, f"-std={standard}", *compilers.WARNINGS, *arguments.flags],
                                        f"#include <cairn/{header}>\nint main() {{}}\n")
        return errors and f"{header} as {standard} by {compiler}:\n{errors}"

    ways = [(arguments.compilers[0], "c++17"), (arguments.compilers[-1], "c++20")]
    jobs = [(compiler, standard, header) for compiler, standard in ways for header in headers]
    jobs += [(compiler, standard, "cairn.hpp") for compiler in arguments.compilers for standard in ("c++17", "c++20")
             if (compiler, standard) not in ways]
    failures += [failure for failure in compilers.in_parallel(check, jobs) if failure]
    print(f"{len(headers)} headers, {len(jobs)} compilations, {len(failures)} failures")
    sys.exit("\n".join(failures) if failures else 0)


if __name__ == "__main__":
    main()
