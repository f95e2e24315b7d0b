#!/usr/bin/env python3
"""usage: install_test.py BUILD PREFIX MPIRUN

Installs the build into a temporary directory, moves that elsewhere, and builds and runs programs against it as their
authors would: with pkg-config, with CMake (both libraries), and with a plain Makefile.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def run(command, **options):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=300, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nexited with {done.returncode}:\n{done.stdout}")
    return done.stdout


class Installation:
    def __init__(self, build, prefix, folder):
        staged = folder / "staged"
        run(["meson", "install", "-C", build, "--no-rebuild", "--destdir", staged])
        self.prefix = folder / "moved to here"
        shutil.move(str(staged / prefix.lstrip("/")), self.prefix)
        shutil.rmtree(staged)
        found = list(self.prefix.rglob("cairn.pc"))
        if len(found) != 1:
            sys.exit(f"cairn.pc is installed as {found}")
        self.pkgconfig = found[0].parent
        self.libdir = self.pkgconfig.parent
        self.environment = {**os.environ, "PKG_CONFIG_PATH": str(self.pkgconfig), "LD_LIBRARY_PATH": str(self.libdir)}

    def flags(self, *options):
        text = run(["pkg-config", *options], env=self.environment)
        # A space of a path is written with a backslash.
        return [flag.replace("\0", " ") for flag in text.replace("\\ ", "\0").split()]


class Outside:
    """One way to build a program, in a folder of its own."""

    def __init__(self, installation, folder, mpirun):
        self.installation = installation
        self.folder = folder
        self.mpirun = mpirun

    def check(self, name, program, needs_library=True):
        environment = dict(self.installation.environment)
        if not needs_library:
            del environment["LD_LIBRARY_PATH"]
        environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                           OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_MCA_btl="self,vader")
        checkpoint = self.folder / f"checkpoint of {name}"
        out = run([self.mpirun, "-n", "2", program, checkpoint], env=environment, cwd=self.folder)
        if "saved and loaded on 2 ranks" not in out:
            sys.exit(f"{name} printed:\n{out}")
        print(f"{name}: well", flush=True)

    def with_pkg_config(self):
        program = self.folder / "by_pkg_config"
        run(["c++", "-std=c++17", HERE / "program.cpp", "-o", program,
             *self.installation.flags("--cflags", "--libs", "cairn")], env=self.installation.environment)
        self.check("pkg-config", program)

    def with_archive(self):
        program = self.folder / "by_archive"
        libraries = [flag for flag in self.installation.flags("--static", "--libs", "cairn") if flag != "-lcairn"]
        run(["c++", "-std=c++17", HERE / "program.cpp", "-o", program, *self.installation.flags("--cflags", "cairn"),
             self.installation.libdir / "libcairn.a", *libraries], env=self.installation.environment)
        self.check("the archive", program, needs_library=False)

    def with_cmake(self):
        build = self.folder / "cmake"
        environment = {**os.environ, "CMAKE_PREFIX_PATH": str(self.installation.prefix)}
        run(["cmake", "-S", HERE, "-B", build], env=environment)
        run(["cmake", "--build", build], env=environment)
        self.check("CMake", build / "shared_program", needs_library=False)  # by its run path
        if (build / "static_program").exists():
            self.check("CMake, static", build / "static_program", needs_library=False)
        else:
            sys.exit("CMake did not find cairn::static")

    def with_make(self):
        run(["make", "-f", HERE / "Makefile", f"SOURCES={HERE}", f"PREFIX={self.installation.prefix}",
             f"LIBDIR={self.installation.libdir}"], cwd=self.folder)
        self.check("make", self.folder / "by_make")


def main():
    build, prefix, mpirun = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="cairn-install-") as name:
        folder = pathlib.Path(name)
        outside = Outside(Installation(build, prefix, folder), folder, mpirun)
        outside.with_pkg_config()
        outside.with_archive()
        outside.with_make()
        if shutil.which("cmake"):
            outside.with_cmake()
        else:
            print("CMake is not here: not tried")


if __name__ == "__main__":
    main()
