"""The procedures that take a communicator or a step: one specific for each kind of those."""

from data_kinds import INDEX_KINDS


def comms(with_f08):
    """Tag -> (declaration of `comm`, how the context is made, whether it is freed)."""
    kinds = {
        "i32": ("integer(int32), intent(in) :: comm", "call make_context(context, comm, code)", True),
        "i64": ("integer(int64), intent(in) :: comm", "call make_context(context, int(comm, int32), code)", True),
        "context": ("type(cairn_context), intent(in) :: comm", "context = comm", False),
    }
    if with_f08:
        kinds["f08"] = ("type(f08_comm), intent(in) :: comm", "call make_context(context, int(comm%MPI_VAL, int32), code)",
                        True)
    return kinds


SAVE = (["overwrite", "name", "metadata", "metric_names", "metric_values"],
        ["logical, optional, intent(in) :: overwrite",
         "character(len=*), optional, intent(in) :: name, metadata, metric_names(:)",
         "real(real64), optional, intent(in) :: metric_values(:)",
         "type(save_args), target :: args"],
        ["call make_save_args(args, overwrite, name, metadata, metric_names, metric_values)"])
LOAD = (["partial", "cast", "name", "deal_per_rank", "rename"],
        ["logical, optional, intent(in) :: partial, deal_per_rank",
         "integer, optional, intent(in) :: cast",
         "character(len=*), optional, intent(in) :: name",
         "type(cairn_rename), optional, intent(in) :: rename(:)",
         "type(load_args), target :: args"],
        ["call make_load_args(args, partial, cast, name, .false., deal_per_rank, rename)"])
OWNED = (["whole", "name"],
         ["logical, optional, intent(in) :: whole",
          "character(len=*), optional, intent(in) :: name",
          "type(load_args), target :: args"],
         ["call make_load_args(args, name=name, whole=whole)"])
TREE = "type(cairn_tree), intent(inout) :: tree"
THINGS = "type(cairn_checkpointables), intent(inout) :: things"
RESPONSE = "type(cairn_response), intent(inout) :: response"
ANSWER = "integer(c_int) :: number"
SAVED = "handle_of(tree)"


def call(name, *arguments):
    return f"code = c_{name}(context%handle, c_text(path), {', '.join(arguments)})"


def operation(options, own_arguments, own_declarations, *body):
    names, declarations, first = options
    return own_arguments, names, [*own_declarations, *declarations], [*first, *body]


NOTHING = ([], [], [])
READ_TREE, READ_THINGS = "call read_logicals(tree)", "call move_things(things, .true.)"
WRITE_TREE = "if (code == 0) call write_logicals(tree)"
WRITE_THINGS = "if (code == 0) call move_things(things, .false.)"

# Generic name -> (arguments after the path, those after them, declarations, body, which sets `code`).
OPERATIONS = {
    "save": operation(SAVE, ["tree"], [TREE], f"handle = {SAVED}", READ_TREE, call("save", "handle", "args%c", "c_null_ptr")),
    "save_async": operation(SAVE, ["tree", "response"], [TREE, RESPONSE], f"handle = {SAVED}", READ_TREE,
                            "call response%free()", "response%comm = context%comm",
                            call("save_async", "handle", "args%c", "response%handle")),
    "load": operation(LOAD, ["tree"], [TREE], f"handle = {SAVED}", READ_TREE, call("load", "handle", "args%c", "c_null_ptr"),
                      WRITE_TREE),
    "load_async": operation(LOAD, ["tree", "response"], [TREE, RESPONSE], f"handle = {SAVED}", READ_TREE,
                            "call response%free()", "response%comm = context%comm",
                            call("load_async", "handle", "args%c", "response%handle"),
                            "if (code == 0) response%loaded = tree", "if (code == 0) tree%rep%is_write_due = .true."),
    "load_owned": operation(OWNED, ["tree"], [TREE], call("load_owned", "args%c", "handle"), "call release(tree%rep)",
                            "allocate (tree%rep)", "tree%rep%handle = handle"),
    "verify": operation(NOTHING, ["problems"], ["integer, intent(out) :: problems", "integer(c_size_t) :: count"],
                        "count = 0", call("verify", "count", "c_null_ptr", "c_null_ptr"), "problems = int(count)"),
    "metadata_read": operation(NOTHING, ["metadata"], ["type(cairn_metadata), intent(out) :: metadata"],
                               call("metadata_read", "handle"), "call take_metadata(handle, metadata, code)"),
    "is_checkpoint": operation(NOTHING, ["there"], ["logical, intent(out) :: there", ANSWER], "number = 0",
                               call("is_checkpoint", "number"), "there = number /= 0"),
    "save_checkpointables": operation(SAVE, ["things"], [THINGS], READ_THINGS,
                                      call("save_checkpointables", "handle_of_things(things)", "args%c", "c_null_ptr")),
    "save_checkpointables_async": operation(
        SAVE, ["things", "response"], [THINGS, RESPONSE], READ_THINGS, "call response%free()",
        "response%comm = context%comm",
        call("save_checkpointables_async", "handle_of_things(things)", "args%c", "response%handle")),
    "load_checkpointables": operation(
        LOAD, ["things"], [THINGS], READ_THINGS,
        call("load_checkpointables", "handle_of_things(things)", "args%c", "c_null_ptr"), WRITE_THINGS),
    "partial_save": operation(SAVE, ["tree"], [TREE], f"handle = {SAVED}", READ_TREE,
                              call("partial_save", "handle", "args%c", "c_null_ptr")),
    "partial_save_checkpointables": operation(
        SAVE, ["things"], [THINGS], READ_THINGS,
        call("partial_save_checkpointables", "handle_of_things(things)", "args%c", "c_null_ptr")),
    "partial_finalize": operation(NOTHING, [], [], call("partial_finalize", "c_null_ptr")),
    "wait_for_new_checkpoint": operation(
        NOTHING, ["after", "timeout_s", "step"],
        ["integer(int64), intent(in) :: after", "real(real64), intent(in) :: timeout_s", "integer(int64), intent(out) :: step"],
        "step = -1", call("wait_for_new_checkpoint", "after", "timeout_s", "step")),
}

OPEN = (["save_when", "keep", "prefix", "digits"],
        ["type(cairn_save_policy), optional, intent(in) :: save_when",
         "type(cairn_keep_policy), optional, intent(in) :: keep",
         "character(len=*), optional, intent(in) :: prefix",
         "integer, optional, intent(in) :: digits"],
        ["call open_checkpointer(self, context, path, save_when, keep, prefix, digits, code)"])


def procedure(name, arguments, declarations, kind, body):
    """A subroutine that makes a context of `comm`."""
    declaration, make, owned = kind
    yield f"  subroutine {name}( &"
    yield f"      {', '.join(arguments)})"
    yield f"    {declaration}"
    yield from (f"    {line}" for line in declarations)
    yield "    integer, optional, intent(out) :: ierr"
    yield "    type(cairn_context) :: context"
    yield "    type(c_ptr) :: handle"
    yield "    integer(c_int) :: code"
    yield "    code = 0"
    yield "    handle = c_null_ptr"
    yield f"    {make}"
    yield "    if (code == 0) then"
    yield from (f"      {line}" for line in body)
    yield "    end if"
    if owned:
        yield "    call context%free()"
    yield "    call finish(code, context%comm, ierr)"
    yield "  end subroutine"


def interfaces(comm_kinds):
    for name in OPERATIONS:
        yield f"  public :: cairn_{name}"
        yield f"  interface cairn_{name}"
        yield from (f"    module procedure {name}_{tag}" for tag in comm_kinds)
        yield "  end interface"


def context_bindings(comm_kinds):
    """context%create(comm)."""
    for tag in comm_kinds:
        if tag != "context":
            yield f"    procedure, private :: create_{tag}"
            yield f"    generic, public :: create => create_{tag}"


# ---- checkpointers: what takes a step

STEP_SAVES = {"save": ("tree", False), "save_async": ("tree", True), "save_checkpointables": ("things", False),
              "save_checkpointables_async": ("things", True)}
STEP_LOADS = {"load": "tree", "load_checkpointables": "things"}
RESTORES = {"restore_latest": "tree", "restore_latest_checkpointables": "things"}
STEPS = ["remove", "pin", "unpin"]


def of_step():
    return [*STEP_SAVES, *STEP_LOADS, *RESTORES, "should_save", *STEPS]


def checkpointer_bindings(comm_kinds):
    for tag in comm_kinds:
        yield f"    procedure, private :: open_{tag}"
        yield f"    generic, public :: open => open_{tag}"
    for name in of_step():
        for kind in INDEX_KINDS:
            yield f"    procedure, private :: run_{name}_{kind}"
            yield f"    generic, public :: {name} => run_{name}_{kind}"


def run(name, kind, arguments, *lines):
    yield f"  subroutine run_{name}_{kind}( &"
    yield f"      self, {arguments}, ierr)"
    yield "    class(cairn_checkpointer), intent(inout) :: self"
    yield from (f"    {line}" for line in lines)
    yield "  end subroutine"


def steps(kind):
    step_in, step_out = (f"integer({INDEX_KINDS[kind]}), intent({way}) :: step" for way in ("in", "out"))
    ierr = "integer, optional, intent(out) :: ierr"
    code = "integer(c_int) :: code"
    wide = "int(step, int64)"
    declarations = {"tree": TREE, "things": THINGS}
    handles = {"tree": SAVED, "things": "handle_of_things(things)"}
    reads = {"tree": READ_TREE, "things": READ_THINGS}
    writes = {"tree": WRITE_TREE, "things": WRITE_THINGS}
    names, load_declarations, make = LOAD
    for name, (what, background) in STEP_SAVES.items():
        yield from ("", *run(
            name, kind, f"step, {what}, force, overwrite, metadata, metric_names, metric_values, saved",
            step_in, declarations[what], "logical, optional, intent(in) :: force, overwrite",
            "character(len=*), optional, intent(in) :: metadata, metric_names(:)",
            "real(real64), optional, intent(in) :: metric_values(:)", "logical, optional, intent(out) :: saved", ierr,
            "type(c_ptr) :: handle", f"handle = {handles[what]}",
            f"call save_step(self, {wide}, {what}={what}, background=.{str(background).lower()}., force=force, &",
            "               overwrite=overwrite, metadata=metadata, names=metric_names, values=metric_values, &",
            "               saved=saved, ierr=ierr)"))
    for name, what in STEP_LOADS.items():
        yield from ("", *run(
            name, kind, f"step, {what}, {', '.join(names)}", step_in, declarations[what], *load_declarations, ierr, code,
            "type(c_ptr) :: handle", *make, f"handle = {handles[what]}", reads[what],
            f"code = c_checkpointer_{name}(self%handle, {wide}, handle, args%c, c_null_ptr)", writes[what],
            "call finish(code, self%comm, ierr)"))
    for name, what in RESTORES.items():
        yield from ("", *run(
            name, kind, f"{what}, step, {', '.join(names)}", declarations[what], step_out, *load_declarations, ierr, code,
            "type(c_ptr) :: handle", "integer(int64) :: found", *make, "found = -1", f"handle = {handles[what]}", reads[what],
            f"code = c_checkpointer_{name}(self%handle, handle, args%c, found)",
            f"step = int(found, {INDEX_KINDS[kind]})", writes[what], "call finish(code, self%comm, ierr)"))
    yield from ("", *run(
        "should_save", kind, "step, answer", step_in, "logical, intent(out) :: answer", ierr, code, ANSWER, "number = 0",
        f"code = c_checkpointer_should_save(self%handle, {wide}, number)", "answer = number /= 0",
        "call finish(code, self%comm, ierr)"))
    for name in STEPS:
        yield from ("", *run(name, kind, "step", step_in, ierr,
                             f"call finish(c_checkpointer_{name}(self%handle, {wide}), self%comm, ierr)"))


def bodies(comm_kinds):
    path = "character(len=*), intent(in) :: path"
    for name, (own, optional, declarations, body) in OPERATIONS.items():
        for tag, kind in comm_kinds.items():
            yield from ("", *procedure(f"{name}_{tag}", ["comm", "path", *own, *optional, "ierr"], [path, *declarations], kind,
                                       body))
    names, declarations, body = OPEN
    for tag, kind in comm_kinds.items():
        yield from ("", *procedure(f"open_{tag}", ["self", "comm", "path", *names, "ierr"],
                                   ["class(cairn_checkpointer), intent(inout) :: self", path, *declarations], kind, body))
        if tag != "context":
            yield from ("", *procedure(
                f"create_{tag}", ["self", "comm", "ierr"], ["class(cairn_context), intent(inout) :: self"],
                (kind[0], kind[1], False), ["self%handle = context%handle", "self%comm = context%comm"]))
    for kind in INDEX_KINDS:
        yield from steps(kind)
