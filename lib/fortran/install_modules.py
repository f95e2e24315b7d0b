#!/usr/bin/env python3
"""Installs the module files that the compiler made: install_modules.py BUILD_FOLDER FOLDER_BELOW_PREFIX"""

import os
import pathlib
import shutil
import sys

target = pathlib.Path(os.environ["MESON_INSTALL_DESTDIR_PREFIX"]) / sys.argv[2]
target.mkdir(parents=True, exist_ok=True)
for module in ("cairn", "cairn_c"):
    shutil.copy(pathlib.Path(sys.argv[1]) / f"{module}.mod", target)
