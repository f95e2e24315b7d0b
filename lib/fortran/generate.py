#!/usr/bin/env python3
"""Writes the sources of the Fortran modules: generate.py SOURCE_FOLDER OUTPUT_FOLDER (mpi_f08|mpi)

Copies cairn_c.f90 and cairn.f90; a line `!@include FILE` becomes that file, and `!@NAME` the specifics for kinds and ranks
that the function of that name here returns. With `mpi`, communicators of the module mpi_f08 are left out.
"""

import pathlib
import sys

import c_functions
import operations
from data_kinds import INDEX_KINDS, TYPES, dimensions, first_element

RANKS = range(8)


def arrays(first_rank, with_text=True):
    """(type, rank) of all that can be bound, from this rank on."""
    return [(each, rank) for each in TYPES for rank in RANKS
            if rank >= first_rank and (with_text or not each.is_text) and (rank > 0 or not each.is_text)]


def bindings(generic, names):
    """A generic type-bound procedure."""
    yield from (f"    procedure, private :: {name}" for name in names)
    yield from (f"    generic, public :: {generic} => {name}" for name in names)


# ---- trees

WHOLE = {"replicated": 0, "per_rank": 0, "appended": 1, "scalar": 0}


def whole_of(generic):
    if generic == "scalar":
        return [(each, 0) for each in TYPES if not each.is_text]
    return arrays(WHOLE[generic])


def sharded_names(generic):
    return [f"{generic}_{each.tag}_{rank}_{kind}" for each, rank in arrays(1) for kind in INDEX_KINDS]


def tree_bindings():
    for generic in ("sharded", "sharded_bounds"):
        yield from bindings(generic, sharded_names(generic))
    for generic in WHOLE:
        yield from bindings(generic, [f"{generic}_{each.tag}_{rank}" for each, rank in whole_of(generic)])
    yield from bindings("value", [f"value_{each.tag}" for each in TYPES if not each.is_text])
    yield from bindings("get", [f"get_{each.tag}_{rank}" for each, rank in arrays(0, with_text=False)])


def view(each, rank):
    """What the memory of an array looks like."""
    name = f"view_{each.tag}_{rank}"
    places = [f"c_loc({first_element(each, rank, dim)})" for dim in range(rank + 1)]
    extents = "shape(data, kind=c_int64_t)"
    guard = "size(data, kind=c_int64_t) > 0"
    if each.is_text:
        extents = f"[len(data, kind=c_int64_t), {extents}]"
        guard += " .and. len(data) > 0"
    yield f"  function {name}(data) result(view)"
    yield f"    {each.declaration}, intent(in), target :: data{dimensions(rank)}"
    yield "    type(cairn_array) :: view"
    yield f"    view = new_view({each.dtype}, {each.bytes}, {extents})"
    if each.is_logical:
        yield "    view%is_logical = .true."
    if each.is_text:
        yield "    view%is_text = .true."
    indent = "    " if rank == 0 else "      "
    if rank > 0:
        yield f"    if ({guard}) then"
    yield f"{indent}call place(view, [ &"
    yield from (f"{indent}  {place}{', &' if place is not places[-1] else '])'}" for place in places)
    if rank > 0:
        yield "    end if"
    yield "  end function"


def sharded(each, rank, kind):
    yield f"  subroutine sharded_{each.tag}_{rank}_{kind}(self, path, data, shape, start, count, memory_start, &"
    yield "      replica, replicas, also)"
    yield "    class(cairn_tree), intent(inout) :: self"
    yield "    character(len=*), intent(in) :: path"
    yield f"    {each.declaration}, intent(in), target :: data{dimensions(rank)}"
    yield f"    integer({INDEX_KINDS[kind]}), intent(in) :: shape(:)"
    yield f"    integer({INDEX_KINDS[kind]}), optional, intent(in) :: start(:), count(:), memory_start(:)"
    yield "    integer, optional, intent(in) :: replica, replicas"
    yield "    logical, optional, intent(in) :: also"
    yield f"    call bind_sharded(self, path, view_{each.tag}_{rank}(data), as_box(shape, start, count, memory_start), &"
    yield "                      replica, replicas, also)"
    yield "  end subroutine"


def sharded_bounds(each, rank, kind):
    yield f"  subroutine sharded_bounds_{each.tag}_{rank}_{kind}(self, path, data, global_lower, global_upper, &"
    yield "      own_lower, own_upper, memory_lower, replica, replicas, also)"
    yield "    class(cairn_tree), intent(inout) :: self"
    yield "    character(len=*), intent(in) :: path"
    yield f"    {each.declaration}, intent(in), target :: data{dimensions(rank)}"
    yield f"    integer({INDEX_KINDS[kind]}), intent(in) :: global_lower(:), global_upper(:), own_lower(:), own_upper(:)"
    yield f"    integer({INDEX_KINDS[kind]}), optional, intent(in) :: memory_lower(:)"
    yield "    integer, optional, intent(in) :: replica, replicas"
    yield "    logical, optional, intent(in) :: also"
    yield "    type(box_args) :: global, own"
    yield "    global = as_box(global_lower, global_upper)"
    yield "    own = as_box(own_lower, own_upper)"
    yield "    if (present(memory_lower)) then"
    yield f"      call bind_bounds(self, path, view_{each.tag}_{rank}(data), global, own, as_box(memory_lower), &"
    yield "                       replica, replicas, also)"
    yield "    else"
    yield f"      call bind_bounds(self, path, view_{each.tag}_{rank}(data), global, own, replica=replica, &"
    yield "                       replicas=replicas, also=also)"
    yield "    end if"
    yield "  end subroutine"


def whole(generic, each, rank):
    yield f"  subroutine {generic}_{each.tag}_{rank}(self, path, data)"
    yield "    class(cairn_tree), intent(inout) :: self"
    yield "    character(len=*), intent(in) :: path"
    yield f"    {each.declaration}, intent(in), target :: data{dimensions(rank)}"
    kind = "value" if generic == "scalar" else generic
    yield f"    call bind_whole(self, path, view_{each.tag}_{rank}(data), '{kind}')"
    yield "  end subroutine"


def value(each):
    yield f"  subroutine value_{each.tag}(self, path, value)"
    yield "    class(cairn_tree), intent(inout) :: self"
    yield "    character(len=*), intent(in) :: path"
    yield f"    {each.declaration}, intent(in) :: value"
    yield f"    {each.stored}, target :: copy"
    yield f"    copy = {'merge(1_int8, 0_int8, value)' if each.is_logical else 'value'}"
    yield f"    call finish(c_tree_value(handle_for(self, path), c_text(path), {each.stored_dtype}, c_loc(copy)), world())"
    yield "  end subroutine"


def get(each, rank):
    yield f"  subroutine get_{each.tag}_{rank}(self, path, value, ierr)"
    yield "    class(cairn_tree), intent(in) :: self"
    yield "    character(len=*), intent(in) :: path"
    if rank == 0:
        yield f"    {each.declaration}, intent(out) :: value"
    else:
        yield f"    {each.declaration}, allocatable, intent(out) :: value{dimensions(rank)}"
    yield "    integer, optional, intent(out) :: ierr"
    yield "    integer(c_int) :: code"
    as_stored = "found /= 0" if each.is_logical else "found"
    if rank == 0:
        yield f"    {each.stored}, target :: found"
        yield f"    found = {each.zero}"
        yield f"    code = c_tree_get(known_handle(self), c_text(path), {each.stored_dtype}, c_loc(found))"
        yield f"    value = {as_stored}"
    else:
        extents = ", ".join(f"extents({dim})" for dim in range(1, rank + 1))
        yield "    type(c_ptr) :: values"
        yield f"    integer(c_int64_t) :: extents({rank})"
        yield f"    {each.stored}, pointer :: found{dimensions(rank)}"
        yield f"    call find_values(self, path, {each.stored_dtype}, {rank}, values, extents, code)"
        yield f"    allocate (value({extents}))"
        yield "    if (code == 0 .and. product(extents) > 0) then"
        yield "      call c_f_pointer(values, found, extents)"
        yield f"      value = {as_stored}"
        yield "    end if"
    yield "    call finish(code, world(), ierr)"
    yield "  end subroutine"


def array_of():
    """cairn_array_of."""
    return [f"    module procedure view_{each.tag}_{rank}" for each, rank in arrays(1)]


def move_logicals():
    for each in TYPES:
        if each.is_logical:
            pointer = each.tag
            yield f"    case ({each.bytes})"
            yield f"      call c_f_pointer(copy%address, {pointer}, [size(copy%bytes, kind=c_int64_t)])"
            yield "      if (reading) then"
            yield f"        copy%bytes = merge(1_int8, 0_int8, {pointer})"
            yield "      else"
            yield f"        {pointer} = copy%bytes /= 0"
            yield "      end if"


def joins():
    for what in ("save", "keep"):
        for how in ("any_of", "all_of"):
            yield ""
            yield f"  function cairn_{what}_{how}(policies) result(policy)"
            yield f"    type(cairn_{what}_policy), intent(in) :: policies(:)"
            yield f"    type(cairn_{what}_policy) :: policy"
            yield "    type(c_ptr), target :: handles(size(policies) + 1)"
            yield "    handles(:size(policies)) = policies%handle"
            yield f"    policy%handle = c_{what}_{how}(c_loc(handles), size(policies, kind=c_size_t))"
            yield "  end function"


def bodies():
    for each, rank in arrays(0):
        yield from ("", *view(each, rank))
    for each, rank in arrays(1):
        for kind in INDEX_KINDS:
            yield from ("", *sharded(each, rank, kind))
            yield from ("", *sharded_bounds(each, rank, kind))
    for generic in WHOLE:
        for each, rank in whole_of(generic):
            yield from ("", *whole(generic, each, rank))
    for each, rank in arrays(0, with_text=False):
        if rank == 0:
            yield from ("", *value(each))
        yield from ("", *get(each, rank))
    yield from operations.bodies(COMMS)


def use_f08():
    return ["  use mpi_f08, only: f08_comm => MPI_Comm"] if "f08" in COMMS else []


SECTIONS = {
    "use_f08": use_f08,
    "c_interfaces": c_functions.interfaces,
    "tree_bindings": tree_bindings,
    "context_bindings": lambda: operations.context_bindings(COMMS),
    "checkpointer_bindings": lambda: operations.checkpointer_bindings(COMMS),
    "array_of": array_of,
    "interfaces": lambda: operations.interfaces(COMMS),
    "move_logicals": move_logicals,
    "joins": joins,
    "bodies": bodies,
}
COMMS = {}


def expand(folder, name):
    for line in (folder / name).read_text().splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "!@include":
            yield from expand(folder, rest)
        elif word.startswith("!@"):
            yield from SECTIONS[word[2:]]()
        else:
            yield line


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    source, output = map(pathlib.Path, sys.argv[1:3])
    COMMS.update(operations.comms(sys.argv[3] == "mpi_f08"))
    for name in ("cairn_c.f90", "cairn.f90"):
        (output / name.replace(".f90", "_module.f90")).write_text("\n".join(expand(source, name)) + "\n")


if __name__ == "__main__":
    main()
