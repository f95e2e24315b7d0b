#!/usr/bin/env python3
"""usage: install_test.py BUILD PREFIX MPIRUN

Installs the build into a temporary directory, moves that elsewhere, and builds and runs programs in C++, C and Fortran
against it as their authors would: with pkg-config, with CMake, with a plain Makefile, and with the archive.
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

    def has_fortran(self):
        return (self.pkgconfig / "cairn_fortran.pc").exists()

    def flags(self, *options):
        text = run(["pkg-config", *options], env=self.environment)
        # A space of a path is written with a backslash.
        return [flag.replace("\0", " ") for flag in text.replace("\\ ", "\0").split()]


class Outside:
    """The programs of one language, in a folder of their own."""

    def __init__(self, installation, language, folder, mpirun):
        self.installation = installation
        self.language = language
        self.sources = HERE / language
        self.source, = self.sources.glob("program.*")
        self.folder = folder / language
        self.folder.mkdir()
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
            sys.exit(f"{self.language}, {name} printed:\n{out}")
        print(f"{self.language}, {name}: well", flush=True)

    def with_pkg_config(self, compiler, module):
        program = self.folder / "by_pkg_config"
        run([*compiler, self.source, "-o", program, *self.installation.flags("--cflags", "--libs", module)],
            env=self.installation.environment)
        self.check("pkg-config", program)

    def with_archive(self):
        program = self.folder / "by_archive"
        libraries = [flag for flag in self.installation.flags("--static", "--libs", "cairn") if flag != "-lcairn"]
        run(["c++", "-std=c++17", self.source, "-o", program, *self.installation.flags("--cflags", "cairn"),
             self.installation.libdir / "libcairn.a", *libraries], env=self.installation.environment)
        self.check("the archive", program, needs_library=False)

    def with_make(self):
        run(["make", "-f", self.sources / "Makefile", f"SOURCES={self.sources}", f"PREFIX={self.installation.prefix}",
             f"LIBDIR={self.installation.libdir}"], cwd=self.folder,
            env={**os.environ, "LD_LIBRARY_PATH": str(self.installation.libdir)})
        self.check("make", self.folder / "by_make")

    def with_cmake(self, *programs):
        if not shutil.which("cmake"):
            print("CMake is not here: not tried")
            return
        build = self.folder / "cmake"
        environment = {**os.environ, "CMAKE_PREFIX_PATH": str(self.installation.prefix)}
        run(["cmake", "-S", self.sources, "-B", build], env=environment)
        run(["cmake", "--build", build], env=environment)
        for program in programs:
            if not (build / program).exists():
                sys.exit(f"{self.language}: CMake did not make {program}")
            self.check(f"CMake, {program}", build / program, needs_library=False)  # by its run path


def main():
    build, prefix, mpirun = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="cairn-install-") as name:
        folder = pathlib.Path(name)
        installation = Installation(build, prefix, folder)
        cpp = Outside(installation, "cpp", folder, mpirun)
        cpp.with_pkg_config(["c++", "-std=c++17"], "cairn")
        cpp.with_archive()
        cpp.with_make()
        cpp.with_cmake("shared_program", "static_program")
        c = Outside(installation, "c", folder, mpirun)
        c.with_pkg_config(["cc", "-std=c99"], "cairn")
        c.with_make()
        c.with_cmake("shared_program")
        if installation.has_fortran():
            fortran = Outside(installation, "fortran", folder, mpirun)
            fortran.with_pkg_config(["mpifort"], "cairn_fortran")
            fortran.with_make()
            fortran.with_cmake("shared_program")


if __name__ == "__main__":
    main()
