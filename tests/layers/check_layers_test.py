#!/usr/bin/env python3
"""Shows that check_layers.py finds what it should, and nothing else."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import check_layers

# path, text, the rule that it breaks
BAD = [
    ("lib/base/a.cpp", '#include "tree/box.hpp"', "arrow"),
    ("lib/plan/a.hpp", '  # include "io/write.hpp"', "arrow"),
    ("lib/h5/a.cpp", '#include "plan/plan.hpp"', "arrow"),
    ("lib/save/a.cpp", '#include "load/match.hpp"', "arrow"),
    ("lib/commit/a.cpp", '#include "checkpointer/steps.hpp"', "arrow"),
    ("lib/handlers/a.cpp", '#include "checkpointer/steps.hpp"', "arrow"),
    ("include/cairn/a.hpp", '#include "base/storage.hpp"', "arrow"),
    ("include/cairn/a.hpp", "#include <base/storage.hpp>", "arrow"),
    ("examples/a.cpp", '#include "tree/box.hpp"', "arrow"),
    ("lib/tree/a.cpp", '#include "box.hpp"', "include"),
    ("lib/extra/a.cpp", "int x;", "layer"),
    ("lib/io/a.cpp", "#include <hdf5.h>", "include"),
    ("lib/io/a.cpp", "#include <mpi.h>", "include"),
    ("lib/save/a.cpp", "#include <fstream>", "include"),
    ("lib/io/a.cpp", "#include <cuda_runtime.h>", "include"),
    ("lib/plan/a.cpp", "void f() { MPI_Barrier(comm); }", "mpi"),
    ("lib/plan/a.cpp", "int n = MPI_Comm_size(comm, &n);", "mpi"),
    ("lib/h5/types.cpp", "MPI_Info_create(&info);", "mpi"),
    ("lib/h5/parallel_file.cpp", "MPI_Allreduce(a, b, 1, t, o, c);", "mpi"),
    ("lib/io/a.cpp", "H5Fclose(file);", "hdf5"),
    ("lib/save/a.cpp", "H5get_libversion(&a, &b, &c);", "hdf5"),
    ("lib/io/a.cpp", "cudaMemcpy(a, b, n, k);", "device"),
    ("lib/io/a.cpp", "if (::open(name, flags) < 0) return;", "storage"),
    ("lib/io/a.cpp", "const int fd = open(name, O_RDONLY);", "storage"),
    ("lib/io/a.cpp", "const int fd = open(name,\n  O_RDONLY | O_CLOEXEC);", "storage"),
    ("lib/io/a.cpp", "pwrite(fd, data, n, at);", "storage"),
    ("lib/base/log.cpp", "FILE* f = fopen(name, mode);", "storage"),
    ("lib/base/log.cpp", "FILE* f = std::fopen(name, mode);", "storage"),
    ("lib/commit/a.cpp", "std::rename(a, b);", "storage"),
    ("lib/commit/a.cpp", "unlink(a);", "storage"),
    ("lib/commit/a.cpp", "if (std::filesystem::exists(path)) return;", "storage"),
    ("lib/commit/a.cpp", "for (auto& e : std::filesystem::directory_iterator(path)) {}", "storage"),
    ("lib/commit/a.cpp", "std::ofstream out(path);", "storage"),
    ("lib/commit/a.cpp", "#include <unistd.h>\nvoid f() { n = read(fd, b, 3); }", "storage"),
    ("lib/commit/a.cpp", "#include <unistd.h>\nvoid f() {\n  close(fd);\n}", "storage"),
    ("lib/commit/a.cpp", "#include <unistd.h>\nint f() { return write(fd, b, 3); }", "storage"),
    ("lib/io/a.cpp", "#ifdef CAIRN_HAVE_CUDA\n#endif", "optional"),
    ("lib/io/a.hpp", "#if defined(__CUDACC__)\n#endif", "optional"),
    ("lib/tree/a.hpp", "#if __has_include(<Eigen/Core>)\n#endif", "optional"),
]

GOOD = [
    ("lib/io/a.cpp", '#include "io/write.hpp"\n#include "plan/plan.hpp"\n#include "cairn/error.hpp"\n#include <vector>'),
    ("lib/checkpointer/a.cpp", '#include "handlers/handler.hpp"\n#include "save/save.hpp"'),
    ("lib/comm/a.cpp", "#include <mpi.h>\nvoid f() { MPI_Iallreduce(a, b, 1, t, o, c, &r); }"),
    ("lib/h5/a.cpp", "#include <hdf5.h>\nvoid f() { H5Fclose(file); }"),
    ("lib/h5/a.cpp", "#if __has_include(<H5FDdevelop.h>)\n#include <H5FDdevelop.h>\n#endif"),
    ("lib/h5/parallel_file.cpp", "void f() { MPI_Info_create(&info); MPI_Comm_dup(a, &b); }"),
    ("lib/base/storage.cpp", "int f() { return ::open(name, O_RDONLY); }"),
    ("lib/device/cuda.cpp", "#ifdef CUDA_VERSION\n#endif\nvoid f() { cudaFree(p); }"),
    ("lib/io/a.cpp", "// MPI_Barrier(comm) and pwrite(fd) are named in a comment\n/* H5Fclose(f);\n */ int x;"),
    ("lib/io/a.cpp", 'throw Error("pwrite(2) failed: MPI_Send(x)");'),
    ("lib/io/a.cpp", "ReadResult read(const base::File& file);\nfile.close(); sink->write(a); io::read(file);"),
    ("lib/io/a.cpp", "MPI_Comm handle(); struct stat status(const File& file); base::rename_new(a, b, c);"),
    ("lib/commit/a.cpp", "#include <unistd.h>\nauto id = ::getpid(); void write(int value); file.close();"),
    ("lib/commit/a.cpp", "std::filesystem::path p = path.parent_path() / path.filename(); std::remove_if(a, b, c);"),
    ("lib/io/a.cpp", "#if defined(__linux__)\n#endif\nconst int big = 1'000'000; bool open(int flags);"),
    ("include/cairn/a.hpp", '#include "detail/traits.hpp"\n#include "slab.hpp"\n#include <map>'),
    ("examples/a.cpp", "#include <cairn/cairn.hpp>\n#include <mpi.h>\nint main() { MPI_Init(nullptr, nullptr); }"),
]


class CheckLayers(unittest.TestCase):
    def test_each_bad_sample_breaks_its_rule(self):
        for path, text, rule in BAD:
            with self.subTest(path=path, text=text):
                self.assertIn(rule, [name for _, name, _ in check_layers.check_file(path, text)])

    def test_good_samples_break_none(self):
        for path, text in GOOD:
            with self.subTest(path=path, text=text):
                self.assertEqual([], check_layers.check_file(path, text))

    def test_a_broken_rule_is_reported_at_its_line(self):
        text = "// one\n// two\n#include \"io/write.hpp\"\n\nvoid f() {\n  MPI_Barrier(comm);\n}\n"
        self.assertEqual([3, 6], [line for line, _, _ in check_layers.check_file("lib/plan/a.cpp", text)])

    def test_the_script_fails_on_a_bad_tree_and_on_an_empty_one(self):
        with tempfile.TemporaryDirectory() as root:
            def run():
                return subprocess.run([sys.executable, check_layers.__file__, root], capture_output=True, text=True)

            self.assertNotEqual(0, run().returncode)
            folder = pathlib.Path(root) / "lib" / "base"
            folder.mkdir(parents=True)
            (folder / "a.cpp").write_text("int x;\n")
            self.assertEqual(0, run().returncode)
            (folder / "a.cpp").write_text('#include "save/save.hpp"\n')
            result = run()
            self.assertEqual(1, result.returncode)
            self.assertIn('lib/base/a.cpp:1: arrow: base includes "save/save.hpp"', result.stdout)


if __name__ == "__main__":
    unittest.main()
