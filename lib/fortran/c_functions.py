"""The functions of cairn.h that the Fortran module calls: name, arguments, and what they return.

An argument is p (a pointer by value), P (a pointer by reference: a result), t (text), i (int by value), I (int by reference),
l (int64_t by value), L (int64_t by reference), z (size_t by value), Z (size_t by reference), d (double by value), f (a
function), v (any memory, by reference), s:TYPE (a struct by reference).
"""

FUNCTIONS = {
    "last_error": ("", "p"),
    "fail": ("t", "i"),
    "text_set": ("pt", "i"),
    "dtype_name": ("i", "p"),
    "free": ("p", ""),
    "init": ("pz", ""),
    "context_create_f": ("iP", "i"),
    "context_free": ("p", ""),
    "context_set": ("ptt", "i"),
    "context_get": ("ptP", "i"),
    "context_set_device_stream": ("pp", "i"),
    "context_set_nccl": ("pp", "i"),
    "context_add_handler": ("p s:c_handler t", "i"),
    "scope_comm_f": ("p", "i"),
    "scope_file": ("ptP", "i"),
    "scope_agree": ("pfp", "i"),
    "tree_create": ("P", "i"),
    "tree_free": ("p", ""),
    "tree_sharded_in": ("ptip s:c_slab s:c_memory", "i"),
    "tree_also": ("ptp s:c_slab s:c_memory", "i"),
    "tree_replicated": ("ptipipp", "i"),
    "tree_per_rank": ("ptipipp", "i"),
    "tree_appended": ("ptiplipp", "i"),
    "tree_appended_rows": ("pti s:c_rows ip", "i"),
    "tree_ref": ("ptip", "i"),
    "tree_ref_padded": ("ptpz", "i"),
    "tree_value": ("ptip", "i"),
    "tree_text": ("ptt", "i"),
    "tree_set_read_only": ("pt", "i"),
    "tree_set_fortran_order": ("pt", "i"),
    "tree_add_problem": ("ptt", "i"),
    "tree_size": ("p", "z"),
    "tree_next": ("pt", "p"),
    "tree_contains": ("pt", "i"),
    "tree_leaf": ("pt s:c_leaf", "i"),
    "tree_data": ("ptiP", "i"),
    "tree_get": ("ptip", "i"),
    "tree_get_text": ("ptP", "i"),
    "tree_erase": ("ptI", "i"),
    "save": ("ptp s:c_save_options p", "i"),
    "save_async": ("ptp s:c_save_options P", "i"),
    "load": ("ptp s:c_load_options p", "i"),
    "load_async": ("ptp s:c_load_options P", "i"),
    "load_owned": ("pt s:c_load_options P", "i"),
    "response_result": ("pp", "i"),
    "response_cancel": ("p", "i"),
    "response_poll": ("pI", "i"),
    "response_snapshotted": ("pI", "i"),
    "response_valid": ("p", "i"),
    "response_on_complete": ("pfp", "i"),
    "response_free": ("p", ""),
    "verify": ("ptZpp", "i"),
    "is_checkpoint": ("ptI", "i"),
    "metadata_read": ("ptP", "i"),
    "metadata_read_local": ("tP", "i"),
    "metadata_free": ("p", ""),
    "metadata_get": ("p s:c_metadata_info", "i"),
    "metadata_metric": ("pz s:c_metric", "i"),
    "metadata_checkpointable": ("pz s:c_checkpointable_info", "i"),
    "metadata_leaf": ("pzz s:c_leaf", "i"),
    "checkpointables_create": ("P", "i"),
    "checkpointables_free": ("p", ""),
    "checkpointables_add_tree": ("ptp", "i"),
    "checkpointables_add_json": ("ptt", "i"),
    "checkpointables_get_json": ("ptP", "i"),
    "checkpointables_add_file": ("ptt", "i"),
    "checkpointables_add_stateful": ("pt s:c_stateful", "i"),
    "checkpointables_add_object": ("pttp", "i"),
    "save_checkpointables": ("ptp s:c_save_options p", "i"),
    "save_checkpointables_async": ("ptp s:c_save_options P", "i"),
    "load_checkpointables": ("ptp s:c_load_options p", "i"),
    "partial_save": ("ptp s:c_save_options p", "i"),
    "partial_save_checkpointables": ("ptp s:c_save_options p", "i"),
    "partial_finalize": ("ptp", "i"),
    "save_never": ("", "p"),
    "save_every_steps": ("l", "p"),
    "save_every": ("d", "p"),
    "save_at_steps": ("pz", "p"),
    "save_first_step": ("", "p"),
    "save_on_signal": ("i", "p"),
    "save_on_file": ("t", "p"),
    "save_before_deadline": ("d", "p"),
    "save_young_daly": ("d", "p"),
    "save_overhead_below": ("d", "p"),
    "save_any_of": ("pz", "p"),
    "save_all_of": ("pz", "p"),
    "save_by": ("fp", "p"),
    "save_policy_free": ("p", ""),
    "keep_all": ("", "p"),
    "keep_latest": ("i", "p"),
    "keep_best": ("tii", "p"),
    "keep_every_steps": ("l", "p"),
    "keep_every": ("d", "p"),
    "keep_steps": ("pz", "p"),
    "keep_any_of": ("pz", "p"),
    "keep_all_of": ("pz", "p"),
    "keep_by": ("fp", "p"),
    "keep_policy_free": ("p", ""),
    "checkpointer_create": ("pt s:c_checkpointer_options P", "i"),
    "checkpointer_free": ("p", ""),
    "checkpointer_save": ("plp s:c_step_options I", "i"),
    "checkpointer_save_async": ("plp s:c_step_options I", "i"),
    "checkpointer_save_checkpointables": ("plp s:c_step_options I", "i"),
    "checkpointer_save_checkpointables_async": ("plp s:c_step_options I", "i"),
    "checkpointer_load": ("plp s:c_load_options p", "i"),
    "checkpointer_load_checkpointables": ("plp s:c_load_options p", "i"),
    "checkpointer_restore_latest": ("pp s:c_load_options L", "i"),
    "checkpointer_restore_latest_checkpointables": ("pp s:c_load_options L", "i"),
    "checkpointer_steps": ("ppzZ", "i"),
    "checkpointer_damaged": ("ppzZ", "i"),
    "checkpointer_latest": ("pL", "i"),
    "checkpointer_best": ("ptiL", "i"),
    "checkpointer_should_save": ("plI", "i"),
    "checkpointer_should_stop": ("pI", "i"),
    "checkpointer_exit_status": ("p", "i"),
    "checkpointer_remove": ("pl", "i"),
    "checkpointer_pin": ("pl", "i"),
    "checkpointer_unpin": ("pl", "i"),
    "checkpointer_wait": ("p", "i"),
    "checkpointer_reload": ("p", "i"),
    "checkpointer_close": ("p", "i"),
    "wait_for_new_checkpoint": ("ptldL", "i"),
}

ARGUMENTS = {
    "p": "type(c_ptr), value",
    "P": "type(c_ptr), intent(out)",
    "t": "character(kind=c_char), intent(in)",
    "i": "integer(c_int), value",
    "I": "integer(c_int), intent(out)",
    "l": "integer(c_int64_t), value",
    "L": "integer(c_int64_t), intent(out)",
    "z": "integer(c_size_t), value",
    "Z": "integer(c_size_t), intent(out)",
    "d": "real(c_double), value",
    "f": "type(c_funptr), value",
}
RESULTS = {"i": "integer(c_int)", "p": "type(c_ptr)", "z": "integer(c_size_t)"}


def parse(signature):
    arguments = []
    for part in signature.split():
        if part.startswith("s:"):
            arguments.append(f"type({part[2:]}), intent(inout)")
        else:
            arguments += [ARGUMENTS[letter] for letter in part]
    return arguments


def interface(name, signature, result):
    """The interface of one function, as `c_NAME`."""
    arguments = parse(signature)
    names = [f"a{number}" for number in range(1, len(arguments) + 1)]
    kind = "function" if result else "subroutine"
    yield f"    {kind} c_{name}({', '.join(names)})" + (" result(r)" if result else "") + " &"
    yield f"        bind(C, name='cairn_{name}')"
    yield "      import"
    for argument, what in zip(names, arguments):
        yield f"      {what} :: {argument}" + ("(*)" if what.startswith("character") else "")
    if result:
        yield f"      {RESULTS[result]} :: r"
    yield f"    end {kind}"


def interfaces():
    return [line for name, (signature, result) in FUNCTIONS.items() for line in interface(name, signature, result)]
