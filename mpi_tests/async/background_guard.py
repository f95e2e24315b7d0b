#!/usr/bin/env python3
"""usage: background_guard.py LIBRARY OUTPUT.S

Writes an assembler file (x86-64) that stands between a program and every function of MPI and HDF5 that LIBRARY calls: each
call first asks `cairn_test_note_call`, then goes on to the real function. Preloaded, it shows which thread calls what.
"""

import re
import subprocess
import sys

REGISTERS = ["rax", "rdi", "rsi", "rdx", "rcx", "r8", "r9"]

library, output = sys.argv[1:]
symbols = subprocess.run(["nm", "-D", "--undefined-only", library], check=True, capture_output=True, text=True).stdout
names = sorted({name for name in re.findall(r"\bU ((?:MPI_|H5)\w+)", symbols) if not name.endswith("_g")})
if len(names) < 20:
    sys.exit(f"{library} calls only {names}: is it the library?")

lines = [".text"]
for name in names:
    push = [f"  pushq %{register}" for register in REGISTERS]
    pop = [f"  popq %{register}" for register in reversed(REGISTERS)]
    lines += [f".globl {name}", f".type {name}, @function", f"{name}:", *push,
              f"  leaq name_{name}(%rip), %rdi", "  call cairn_test_note_call@PLT", "  movq %rax, %r11", *pop, "  jmpq *%r11",
              f".size {name}, .-{name}"]
lines += [".section .rodata"]
for name in names:
    lines += [f"name_{name}: .string \"{name}\""]
lines += [".section .note.GNU-stack,\"\",@progbits"]
with open(output, "w") as file:
    file.write("\n".join(lines) + "\n")
