#!/usr/bin/env python3
"""Checks the arrows between the layers of lib/, and which layer may call what.

usage: check_layers.py ROOT

Reads every #include line and every call under ROOT/lib, ROOT/include and ROOT/examples, prints one line for each
broken rule (file:line: rule: what), and exits with 1 if there is any. docs/architecture.md states the same rules.
"""

import pathlib
import re
import sys
from dataclasses import dataclass

# A layer may include the layers of lower levels, itself, and the public headers.
LEVELS = [
    ["base"],
    ["comm", "tree", "device"],
    ["plan", "h5"],
    ["io", "commit"],
    ["async"],
    ["save", "load"],
    ["handlers"],
    ["checkpointer"],
    ["c", "fortran"],
    ["tools"],
]
LEVEL = {layer: level for level, layers in enumerate(LEVELS) for layer in layers}

# Arrows within one level: (from, to). None is needed so far.
SIDEWAYS: set = set()

# Headers of other projects: who may include them. Paths are prefixes, from the root.
FOREIGN = {
    r"mpi\.h|mpi-ext\.h": ["lib/comm/", "lib/h5/parallel_file.", "include/cairn/detail/", "include/cairn/cairn.h",
                           "lib/c/", "lib/fortran/", "examples/"],
    r"hdf5\.h|H5\w+\.h|hdf5_hl\.h": ["lib/h5/"],
    r"cuda.*\.h|nccl\.h": ["lib/device/", "examples/"],
    r"xxhash\.h|xxh3\.h": ["lib/base/"],
    r"fstream": ["examples/"],
    r"sys/mman\.h": ["lib/base/pages.cpp"],
    r"sys/file\.h|dirent\.h|sys/vfs\.h|sys/statfs\.h|sys/statvfs\.h": ["lib/base/storage.cpp"],
}

# A list of headers for the compiler: what a source may use, its own includes say.
PRECOMPILED = "lib/pch/cairn.hpp"
STORAGE = "lib/base/storage.cpp"

# Names that nothing else has.
FILE_CALLS = (
    r"openat2?|creat|pread(?:v2?)?|pwrite(?:v2?)?|readv|writev|fsync|fdatasync|syncfs|ftruncate|fallocate"
    r"|posix_fallocate|posix_fadvise|sync_file_range|renameat2?|unlink(?:at)?|rmdir|mkdir(?:at)?|linkat"
    r"|symlink(?:at)?|readlink(?:at)?|fstat(?:at)?|lstat|statx|f?statfs|f?statvfs|opendir|fdopendir|readdir|fchmod(?:at)?"
    r"|flock|lockf|fcntl|msync|copy_file_range|sendfile|faccessat|mkstemp|mkdtemp|fopen|fdopen|freopen|tmpfile"
)
# Names that a class or a namespace of ours may have as well: meant is the one of the system.
SHARED_NAMES = r"open|close|read|write|rename|remove|stat|link|access|truncate|chmod"
PATH_CALLS = (
    r"exists|is_directory|is_regular_file|is_symlink|is_empty|status|symlink_status|file_size|resize_file"
    r"|last_write_time|hard_link_count|equivalent|create_\w+|copy|copy_file|copy_symlink|rename|remove|remove_all"
    r"|permissions|space|canonical|weakly_canonical|read_symlink|temp_directory_path|directory_iterator"
    r"|recursive_directory_iterator|directory_entry"
)
# An unqualified name that begins an expression: not a member, not Namespace::name, not a declaration.
BARE = r"(?:(?<![\w.>:~&*\s])|(?<=\breturn)|(?<=[^\w\s.>:~&*]\s)|^)\s*"


@dataclass(frozen=True)
class Rule:
    name: str
    pattern: re.Pattern
    allowed: tuple  # prefixes of paths
    only_with: re.Pattern = None  # applies to files that match this
    message: str = ""


def rule(name, pattern, allowed, message, only_with=None):
    return Rule(name, re.compile(pattern, re.MULTILINE), tuple(allowed),
                re.compile(only_with, re.MULTILINE) if only_with else None, message)


CALLS = [
    rule("mpi", r"\bP?MPI_(?:Comm|Info|File)_[a-z]\w*\s*\(", ["lib/comm/", "lib/h5/parallel_file."],
         "MPI is called in lib/comm alone (and MPI_Info and MPI_Comm in lib/h5/parallel_file)"),
    rule("mpi", r"\bP?MPI_(?!Comm_|Info_|File_)[A-Z][a-z]\w*\s*\(", ["lib/comm/"], "MPI is called in lib/comm alone"),
    rule("hdf5", r"\bH5[A-Z]{0,2}[a-z]\w*\s*\(", ["lib/h5/"], "HDF5 is called in lib/h5 alone"),
    rule("device", r"\b(?:cuda[A-Z]\w*|nccl[A-Z]\w*|cu[A-Z][a-z]\w*)\s*\(", ["lib/device/"],
         "CUDA and NCCL are called in lib/device alone"),
    rule("storage", rf"(?:(?<![\w.>:])(?:::\s*)?|\bstd::)(?:{FILE_CALLS})\s*\(", [STORAGE],
         "the file system is called in lib/base/storage.cpp alone"),
    rule("storage", rf"(?<![\w>])(?:::|std::)(?:{SHARED_NAMES})\s*\(", [STORAGE],
         "the file system is called in lib/base/storage.cpp alone"),
    rule("storage", r"(?<![\w.>:])open\s*\([^;]*\bO_[A-Z]+", [STORAGE],
         "the file system is called in lib/base/storage.cpp alone"),
    rule("storage", rf"{BARE}(?:{SHARED_NAMES})\s*\(", [STORAGE],
         "the file system is called in lib/base/storage.cpp alone", only_with=r"#\s*include\s*<(?:unistd|stdio)\.h>"),
    rule("storage", rf"\b(?:filesystem|fs)::(?:{PATH_CALLS})\b\s*[({{]", [STORAGE],
         "the file system is called in lib/base/storage.cpp alone"),
    rule("storage", r"\bstd::(?:basic_)?[io]?fstream\b|\bstd::(?:basic_)?filebuf\b", [STORAGE],
         "the file system is called in lib/base/storage.cpp alone"),
    rule("memory", r"(?<![\w.>:])(?:::\s*)?m(?:map|unmap|advise)\s*\(", ["lib/base/pages.cpp"],
         "memory is mapped in lib/base/pages.cpp alone"),
    rule("optional", r"^\s*#\s*(?:if|ifdef|ifndef|elif|elifdef)\b.*"
         r"(?:CAIRN_(?:HAVE|HAS|WITH)_|\bHAVE_|CUDA|NCCL|HIP|EIGEN|XTENSOR|KOKKOS|__has_include\s*\(\s*<(?!H5))",
         ["lib/device/", "include/cairn/detail/"],
         "an optional dependency is a file that the build picks, not an #ifdef"),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
BLANKED = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)


def without_comments_and_strings(text):
    """The same text, line for line, with what is not code blanked."""

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    lines = text.split("\n")
    includes = {number: line for number, line in enumerate(lines) if INCLUDE.match(line)}
    code = BLANKED.sub(blank, re.sub(r"(?<=\d)'(?=\d)", "_", text)).split("\n")
    for number, line in includes.items():
        code[number] = line
    return "\n".join(code)


def layer_of(path):
    parts = path.split("/")
    if parts[0] == "lib" and len(parts) > 2:
        return parts[1]
    return {"tools": "tools"}.get(parts[0])


def check_include(path, quoted, foreign):
    """What is wrong with one include line, or None."""
    if foreign is not None:
        for pattern, allowed in FOREIGN.items():
            if re.fullmatch(pattern, foreign) and not path.startswith(tuple(allowed)):
                return "include", f"<{foreign}> belongs to {', '.join(allowed)}"
        if path.startswith("include/") and foreign.split("/")[0] in LEVEL:
            return "arrow", f"a public header includes <{foreign}> of lib/"
        return None
    head, _, rest = quoted.partition("/")
    if path.startswith("include/"):
        if head in LEVEL and head not in ("detail",):
            return "arrow", f'a public header includes "{quoted}" of lib/'
        if quoted.startswith("..") and not quoted.startswith("../"):
            return "arrow", f'"{quoted}" leaves include/'
        return None
    if path.startswith("examples/"):
        return ("arrow", f'an example includes "{quoted}": it sees <cairn/...> alone') if head in LEVEL else None
    if head == "cairn":
        return None
    if not rest or head not in LEVEL:
        return "include", f'"{quoted}" does not begin with a layer: say "{layer_of(path)}/..." or "cairn/..."'
    layer = layer_of(path)
    if layer == head or LEVEL[head] < LEVEL[layer] or (layer, head) in SIDEWAYS:
        return None
    way = "sideways" if LEVEL[head] == LEVEL[layer] else "up"
    return "arrow", f'{layer} includes "{quoted}": that arrow points {way}'


def check_file(path, text):
    """(line, rule, message) of each broken rule. `path` is relative to the root, with slashes."""
    found = []
    if path == PRECOMPILED:
        return found
    code = without_comments_and_strings(text)
    layer = layer_of(path)
    if path.startswith("lib/") and layer is not None and layer not in LEVEL:
        found.append((1, "layer", f"lib/{layer} is not in the table of layers"))
        return found
    for number, line in enumerate(code.split("\n"), 1):
        match = INCLUDE.match(line)
        if match:
            wrong = check_include(path, match.group(1), match.group(2))
            if wrong:
                found.append((number, *wrong))
    if not path.startswith("examples/"):
        for each in CALLS:
            if path.startswith(each.allowed) or (each.only_with and not each.only_with.search(code)):
                continue
            for match in each.pattern.finditer(code):
                at = match.end() - 1
                what = " ".join(match.group(0).split())
                found.append((code.count("\n", 0, at) + 1, each.name, f"{what.rstrip('( {')}: {each.message}"))
    return sorted(set(found))


def check_tree(root):
    root = pathlib.Path(root)
    problems, files = [], 0
    for folder in ("lib", "include", "examples"):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix not in (".hpp", ".cpp", ".h", ".c", ".cu", ".cuh"):
                continue
            files += 1
            path = file.relative_to(root).as_posix()
            for line, name, message in check_file(path, file.read_text(encoding="utf-8")):
                problems.append(f"{path}:{line}: {name}: {message}")
    return problems, files


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    problems, files = check_tree(sys.argv[1])
    for problem in problems:
        print(problem)
    if not files:
        sys.exit(f"no sources below {sys.argv[1]}")
    print(f"{files} files, {len(problems)} broken rules")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
