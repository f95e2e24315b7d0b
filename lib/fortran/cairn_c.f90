!> The functions of cairn.h that the module cairn is made of. Not for use by programs.
module cairn_c
  use, intrinsic :: iso_c_binding
  implicit none
  public

  integer(c_int), parameter :: dtype_i8 = 1, dtype_i16 = 2, dtype_i32 = 3, dtype_i64 = 4, dtype_u8 = 5, dtype_f32 = 11, &
    dtype_f64 = 12, dtype_c64 = 15, dtype_c128 = 16, dtype_bool = 17

  type, bind(C) :: c_metric
    type(c_ptr) :: name = c_null_ptr
    real(c_double) :: value = 0
  end type

  type, bind(C) :: c_slab
    integer(c_size_t) :: struct_size = 0
    integer(c_int) :: ndims = 0
    type(c_ptr) :: shape = c_null_ptr, start = c_null_ptr, count = c_null_ptr
    integer(c_int) :: replica = 0, replicas = 0
  end type

  type, bind(C) :: c_memory
    integer(c_size_t) :: struct_size = 0
    type(c_ptr) :: shape = c_null_ptr, start = c_null_ptr, strides = c_null_ptr
  end type

  type, bind(C) :: c_rows
    integer(c_size_t) :: struct_size = 0
    type(c_ptr) :: arg = c_null_ptr
    type(c_funptr) :: data = c_null_funptr, resize = c_null_funptr
  end type

  type, bind(C) :: c_rename
    type(c_ptr) :: tree_path = c_null_ptr, file_path = c_null_ptr
  end type

  type, bind(C) :: c_report
    integer(c_size_t) :: struct_size = 0
    type(c_ptr) :: operation = c_null_ptr, path = c_null_ptr
    integer(c_int64_t) :: bytes = 0, verified_bytes = 0, leaves = 0
    real(c_double) :: plan_s = 0, layout_s = 0, snapshot_s = 0, write_s = 0, commit_s = 0, blocked_s = 0, background_s = 0
    integer(c_int) :: slowest_rank = 0
    type(c_ptr) :: slowest_host = c_null_ptr
  end type

  type, bind(C) :: c_metadata_info
    integer(c_size_t) :: struct_size = 0
    integer(c_int) :: format_version = 0, world_size = 0
    type(c_ptr) :: library_version = c_null_ptr
    real(c_double) :: created_s = 0
    type(c_ptr) :: custom_metadata = c_null_ptr
    integer(c_size_t) :: metric_count = 0, checkpointable_count = 0
  end type

  type, bind(C) :: c_checkpointable_info
    integer(c_size_t) :: struct_size = 0
    type(c_ptr) :: name = c_null_ptr, handler = c_null_ptr, file = c_null_ptr
    integer(c_int64_t) :: bytes = 0
    integer(c_size_t) :: leaf_count = 0
    type(c_ptr) :: metadata = c_null_ptr
  end type

  type, bind(C) :: c_stateful
    integer(c_size_t) :: struct_size = 0
    type(c_ptr) :: arg = c_null_ptr
    integer(c_int) :: scope = 0
    type(c_funptr) :: save = c_null_funptr, load = c_null_funptr, load_all = c_null_funptr
  end type

  type, bind(C) :: c_handler
    integer(c_size_t) :: struct_size = 0
    type(c_ptr) :: type = c_null_ptr, arg = c_null_ptr
    type(c_funptr) :: handles = c_null_funptr, save = c_null_funptr, write = c_null_funptr, release = c_null_funptr, &
      load = c_null_funptr, metadata = c_null_funptr, destroy = c_null_funptr
  end type

  type, bind(C) :: c_save_options
    integer(c_size_t) :: struct_size = 0
    type(c_ptr) :: checkpointable_name = c_null_ptr
    integer(c_int) :: overwrite = 0
    type(c_ptr) :: custom_metadata = c_null_ptr, metrics = c_null_ptr
    integer(c_size_t) :: metric_count = 0
  end type

  type, bind(C) :: c_load_options
    integer(c_size_t) :: struct_size = 0
    type(c_ptr) :: checkpointable_name = c_null_ptr
    integer(c_int) :: partial = 0, cast = 0
    type(c_ptr) :: renames = c_null_ptr
    integer(c_size_t) :: rename_count = 0
    integer(c_int) :: whole = 0, deal_per_rank = 0
  end type

  type, bind(C) :: c_leaf
    integer(c_size_t) :: struct_size = 0
    type(c_ptr) :: path = c_null_ptr
    integer(c_int) :: kind = 0, dtype = 0, ndims = 0
    integer(c_int64_t) :: shape(8) = 0, start(8) = 0, count(8) = 0
    integer(c_int64_t) :: bytes = 0
    integer(c_int) :: read_only = 0, fortran_order = 0
  end type

  type, bind(C) :: c_checkpointer_options
    integer(c_size_t) :: struct_size = 0
    type(c_ptr) :: save_when = c_null_ptr, keep = c_null_ptr, prefix = c_null_ptr
    integer(c_int) :: digits = 0
  end type

  type, bind(C) :: c_step_options
    integer(c_size_t) :: struct_size = 0
    type(c_ptr) :: metrics = c_null_ptr
    integer(c_size_t) :: metric_count = 0
    type(c_ptr) :: custom_metadata = c_null_ptr
    integer(c_int) :: force = 0, overwrite = 0
  end type

  interface
!@c_interfaces
    function c_strlen(text) result(length) bind(C, name='strlen')
      import
      type(c_ptr), value :: text
      integer(c_size_t) :: length
    end function
  end interface
end module
