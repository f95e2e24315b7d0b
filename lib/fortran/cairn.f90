!> Cairn for Fortran: docs/fortran.md. Made by generate.py, which puts the specifics for kinds and ranks where a line
!> begins with `!@`.
!>
!>     use cairn
!>     type(cairn_tree) :: state
!>     call state%sharded('T', T, shape=[nx, ny], start=[x0, 0], count=[my_nx, ny])
!>     call state%scalar('step', step)
!>     call cairn_save(MPI_COMM_WORLD, 'run/ckpt', state, overwrite=.true.)
!>
!> Arrays and variables that are bound have the attribute `target`, and stay where they are until no save or load uses the
!> tree any more. Extents are in Fortran's order, `start` is 0-based. `ierr`, where it is given, is 0 or a CAIRN_ code;
!> where it is not, an error is printed and ends the program by MPI_Abort. Collective: what takes a communicator, and what
!> is said to be.
module cairn
  use, intrinsic :: iso_c_binding
  use, intrinsic :: iso_fortran_env, only: int8, int16, int32, int64, real32, real64, error_unit
  use mpi, only: MPI_Abort, MPI_COMM_WORLD
!@use_f08
  use cairn_c
  implicit none
  private

  integer, parameter, public :: CAIRN_OK = 0, CAIRN_INVALID_ARGUMENT = 1, CAIRN_ALREADY_EXISTS = 2, CAIRN_NOT_FOUND = 3, &
    CAIRN_NOT_A_CHECKPOINT = 4, CAIRN_CORRUPT = 5, CAIRN_MISMATCH = 6, CAIRN_IO = 7, CAIRN_NO_SPACE = 8, &
    CAIRN_UNSUPPORTED = 9, CAIRN_TIMEOUT = 10, CAIRN_MPI = 11, CAIRN_CANCELLED = 12, CAIRN_LOCKED = 13, CAIRN_DEVICE = 14, &
    CAIRN_OUT_OF_MEMORY = 15, CAIRN_INTERNAL = 16
  integer, parameter, public :: CAIRN_CAST_NEVER = 0, CAIRN_CAST_IN_RANGE = 1, CAIRN_CAST_ANY = 2
  integer, parameter, public :: CAIRN_LOWEST = 0, CAIRN_HIGHEST = 1

  !> An array of the caller's as it lies in memory, which cairn_array_of makes: extents and strides in elements, the
  !> fastest dimension first.
  type, public :: cairn_array
    private
    type(c_ptr) :: address = c_null_ptr
    integer(c_int) :: dtype = 0
    integer :: element_bytes = 0, ndims = 0
    integer(c_int64_t) :: extents(8) = 0, strides(8) = 0
    logical :: is_logical = .false., is_text = .false., is_odd = .false.
  end type

  !> What `sharded` is told of an array, all in Fortran's order.
  type :: box_args
    integer :: ndims = 0
    integer(c_int64_t) :: shape(9) = 0, start(9) = 0, count(9) = 0, memory_start(9) = 0
    logical :: has_start = .false., has_count = .false., has_memory_start = .false., is_odd = .false.
  end type

  !> A bound logical array, and its copy of one byte an element, which is what the checkpoint holds.
  type :: logical_copy
    character(len=:), allocatable :: path
    type(c_ptr) :: address = c_null_ptr
    integer :: element_bytes = 0
    integer(int8), pointer :: bytes(:) => null()
    type(logical_copy), pointer :: next => null()
  end type

  !> Arrays whose last dimension grows and shrinks. A program extends it by its arrays, tells where they are, and makes
  !> room in them; one object serves any number of arrays, told apart by `path`. Both procedures are called within saves
  !> and loads, in the caller's thread, and must not save or load.
  type, abstract, public :: cairn_rows
  contains
    procedure(locate_rows), deferred :: locate  !< array = cairn_array_of(self%x): allocated, whole, contiguous
    procedure(resize_rows), deferred :: resize  !< allocates it again, for so many rows; they need not be kept
  end type
  abstract interface
    subroutine locate_rows(self, path, array)
      import :: cairn_rows, cairn_array
      class(cairn_rows), intent(in), target :: self
      character(len=*), intent(in) :: path
      type(cairn_array), intent(out) :: array
    end subroutine
    subroutine resize_rows(self, path, rows, ierr)
      import :: cairn_rows, int64
      class(cairn_rows), intent(inout) :: self
      character(len=*), intent(in) :: path
      integer(int64), intent(in) :: rows
      integer, intent(out) :: ierr
    end subroutine
  end interface

  type :: rows_link
    character(len=:), allocatable :: path
    class(cairn_rows), pointer :: rows => null()
    type(cairn_array) :: first  !< as it was bound: type and extents of a row stay
    type(rows_link), pointer :: next => null()
  end type

  type :: tree_rep
    type(c_ptr) :: handle = c_null_ptr
    integer :: references = 1
    type(logical_copy), pointer :: logicals => null()
    type(rows_link), pointer :: rows => null()
    logical :: is_write_due = .false.  ! of the logicals, when the load in the background is over
  end type

  !> Names, and the memory behind them. Assigning one to another makes both the same tree.
  type, public :: cairn_tree
    private
    type(tree_rep), pointer :: rep => null()
  contains
    procedure, private :: assign_tree
    generic, public :: assignment(=) => assign_tree
    final :: finish_tree
    procedure, public :: string => tree_string        !< a CHARACTER variable, without its trailing blanks
    procedure, public :: text => tree_text            !< text of the tree's own
    procedure, public :: read_only => tree_read_only  !< the leaf is saved, and not loaded
    procedure, public :: appended_rows => tree_appended_rows  !< rows that a load makes room for: cairn_rows
    procedure, public :: size => tree_size
    procedure, public :: contains => tree_contains
    procedure, public :: erase => tree_erase
    procedure, public :: get_text => tree_get_text
!@tree_bindings
  end type

  !> What a handler is given in a save or a load. It is good for that call alone.
  type, public :: cairn_scope
    private
    type(c_ptr) :: handle = c_null_ptr
  contains
    procedure, public :: comm => scope_comm    !< the communicator, as an integer of module mpi
    !> The file NAME<suffix> of this thing. A save must name its files so, on each rank that writes them, and make them.
    procedure, public :: file => scope_file
    !> Says whether this rank's step went well, `ierr` 0. It returns the same on every rank: 0, or, where one's did not, a
    !> CAIRN_ code, with which the handler should return; the message is then that of the first such rank. Collective.
    procedure, public :: agree => scope_agree
  end type

  !> How one kind of object is saved and loaded, which a program extends. Called on every rank, in the caller's thread;
  !> files are written when `save` returns. `ierr` is as of cairn_stateful.
  type, abstract, public :: cairn_handler
  contains
    procedure(handle_object), deferred :: save
    procedure(handle_object), deferred :: load
  end type
  abstract interface
    subroutine handle_object(self, scope, object, ierr)
      import :: cairn_handler, cairn_scope
      class(cairn_handler), intent(inout) :: self
      type(cairn_scope), intent(in) :: scope
      class(*), intent(inout) :: object
      integer, intent(out) :: ierr
    end subroutine
  end interface

  type :: handler_link
    class(cairn_handler), pointer :: handler => null()
  end type
  type :: object_link
    class(*), pointer :: object => null()
    type(object_link), pointer :: next => null()
  end type
  type :: step_link
    logical :: has_failed = .false.
    character(len=:), allocatable :: message
  end type

  !> A communicator and options. A communicator alone will do where the options of the environment are meant.
  type, public :: cairn_context
    private
    type(c_ptr) :: handle = c_null_ptr
    integer(int32) :: comm = 0
  contains
!@context_bindings
    procedure, public :: set => context_set                  !< an option by name and text, as `cairn env` lists them
    procedure, public :: get => context_get
    procedure, public :: set_device_stream => context_set_device_stream
    procedure, public :: add_handler => context_add_handler  !< for objects of its type; it must outlive all that is made of the context
    procedure, public :: free => context_free
  end type

  !> What an operation did, and how long its stages took on this rank, in seconds.
  type, public :: cairn_report
    character(len=:), allocatable :: operation, path
    integer(int64) :: bytes = 0           !< of all leaves, over all ranks
    integer(int64) :: verified_bytes = 0  !< of a load: those whose checksum was compared
    integer(int64) :: leaves = 0
    real(real64) :: plan_s = 0, layout_s = 0, snapshot_s = 0, write_s = 0, commit_s = 0
    real(real64) :: blocked_s = 0         !< how long the caller waited
    real(real64) :: background_s = 0      !< and how long work went on behind it
    integer :: slowest_rank = -1          !< the rank that wrote or read longest
    character(len=:), allocatable :: slowest_host
  end type

  !> Called when an operation in the background is over. `code` is 0 or a CAIRN_ code, `message` is as of
  !> cairn_last_error.
  abstract interface
    subroutine cairn_on_complete(report, code, message)
      import :: cairn_report
      type(cairn_report), intent(in) :: report
      integer, intent(in) :: code
      character(len=*), intent(in) :: message
    end subroutine
  end interface
  public :: cairn_on_complete

  type :: completion_link
    procedure(cairn_on_complete), pointer, nopass :: call => null()
    type(cairn_tree) :: loaded
  end type

  !> A save or a load in the background.
  type, public :: cairn_response
    private
    type(c_ptr) :: handle = c_null_ptr
    integer(int32) :: comm = 0
    type(cairn_tree) :: loaded
  contains
    procedure, public :: valid => response_valid              !< whether there is anything to wait for
    procedure, public :: done => response_done                !< whether this rank's part is over
    procedure, public :: snapshotted => response_snapshotted  !< whether the memory may be changed
    procedure, public :: on_complete => response_on_complete  !< called once, in done, cairn_wait or a later collective call
    procedure, public :: cancel => response_cancel            !< gives it up. Collective
    procedure, public :: free => response_free                !< does not wait; a later call tells of a failure
  end type

  !> Something with a state as JSON text, which a program extends. `ierr` is 0 where all went well, else the whole save or
  !> load fails on all ranks; cairn_fail says why. The procedures are called in the caller's thread.
  type, abstract, public :: cairn_stateful
  contains
    procedure(save_state), deferred :: save
    procedure(load_state), deferred :: load
  end type
  !> One that a job of another number of ranks can load as well.
  type, abstract, extends(cairn_stateful), public :: cairn_stateful_any_ranks
  contains
    procedure(load_states), deferred :: load_all
  end type
  abstract interface
    subroutine save_state(self, json, ierr)
      import :: cairn_stateful
      class(cairn_stateful), intent(inout) :: self
      character(len=:), allocatable, intent(out) :: json
      integer, intent(out) :: ierr
    end subroutine
    subroutine load_state(self, json, ierr)
      import :: cairn_stateful
      class(cairn_stateful), intent(inout) :: self
      character(len=*), intent(in) :: json
      integer, intent(out) :: ierr
    end subroutine
    !> Called in the place of `load` where the number of ranks has changed: the states of those that saved, in order and
    !> filled up with blanks, for this rank of `ranks`.
    subroutine load_states(self, json, rank, ranks, ierr)
      import :: cairn_stateful_any_ranks
      class(cairn_stateful_any_ranks), intent(inout) :: self
      character(len=*), intent(in) :: json(:)
      integer, intent(in) :: rank, ranks
      integer, intent(out) :: ierr
    end subroutine
  end interface

  type :: stateful_link
    class(cairn_stateful), pointer :: object => null()
    type(stateful_link), pointer :: next => null()
  end type

  type :: tree_in_things
    type(cairn_tree) :: tree
  end type

  !> Several named things in one checkpoint. What is added must live until the saves and loads of it are over.
  type, public :: cairn_checkpointables
    private
    type(c_ptr) :: handle = c_null_ptr
    type(tree_in_things), allocatable :: trees(:)
    type(stateful_link), pointer :: states => null()
    type(object_link), pointer :: objects => null()
  contains
    procedure, public :: add_tree => things_add_tree
    procedure, public :: add_json => things_add_json
    procedure, public :: get_json => things_get_json
    procedure, public :: add_file => things_add_file
    procedure, public :: add_stateful => things_add_stateful
    procedure, public :: add_object => things_add_object  !< for a handler that takes objects of this type
    procedure, public :: free => things_free
  end type

  !> When to save, and what to keep. any_of, all_of and cairn_checkpointer%open take policies over.
  type, public :: cairn_save_policy
    type(c_ptr) :: handle = c_null_ptr
  end type
  type, public :: cairn_keep_policy
    type(c_ptr) :: handle = c_null_ptr
  end type

  !> The checkpoints of a run. All procedures are collective but steps, damaged, latest, best and exit_status.
  type, public :: cairn_checkpointer
    private
    type(c_ptr) :: handle = c_null_ptr
    integer(int32) :: comm = 0
  contains
!@checkpointer_bindings
    procedure, public :: should_stop => checkpointer_should_stop
    procedure, public :: exit_status => checkpointer_exit_status
    procedure, public :: steps => checkpointer_steps
    procedure, public :: damaged => checkpointer_damaged
    procedure, public :: latest => checkpointer_latest  !< -1: none
    procedure, public :: best => checkpointer_best      !< -1: none
    procedure, public :: wait => checkpointer_wait
    procedure, public :: reload => checkpointer_reload
    procedure, public :: close => checkpointer_close
  end type

  !> A leaf of the tree that is to be loaded from one of another name.
  type, public :: cairn_rename
    character(len=:), allocatable :: tree_path, file_path
  end type

  !> What a checkpoint holds, without its arrays: cairn_metadata_read. Ordered by name.
  type, public :: cairn_metric
    character(len=:), allocatable :: name
    real(real64) :: value = 0
  end type
  type, public :: cairn_leaf_info
    character(len=:), allocatable :: path
    character(len=:), allocatable :: kind   !< sharded, replicated, per_rank or appended
    character(len=:), allocatable :: dtype  !< i32, f64, ...
    !> As Fortran sees the stored array: per_rank has the ranks, and appended the rows of all, as its last dimension.
    integer(int64), allocatable :: shape(:)
    integer(int64) :: bytes = 0
    logical :: fortran_order = .false.      !< saved by Fortran, if of two dimensions or more
  end type
  type, public :: cairn_checkpointable_info
    character(len=:), allocatable :: name
    character(len=:), allocatable :: handler   !< "tree", or the type of what saved it
    character(len=:), allocatable :: file      !< the first one by name; may be empty
    integer(int64) :: bytes = 0
    character(len=:), allocatable :: metadata  !< JSON text of what its handler tells, or null
    type(cairn_leaf_info), allocatable :: leaves(:)
  end type
  type, public :: cairn_metadata
    integer :: format_version = 0
    integer :: world_size = 0                         !< ranks that saved it
    character(len=:), allocatable :: library_version
    real(real64) :: created_s = 0                     !< since 1970
    character(len=:), allocatable :: custom_metadata  !< JSON text; null where none was given
    type(cairn_metric), allocatable :: metrics(:)
    type(cairn_checkpointable_info), allocatable :: checkpointables(:)
  end type

  !> The C options of a call, and what they point to.
  type :: save_args
    type(c_save_options) :: c
    character(len=:), allocatable :: name, metadata
    character(len=:), allocatable :: metric_names(:)
    type(c_metric), allocatable :: metrics(:)
  end type
  type :: load_args
    type(c_load_options) :: c
    character(len=:), allocatable :: name
    type(cairn_rename), allocatable :: rename(:)
    type(c_rename), allocatable :: renames(:)
  end type

  interface as_box
    module procedure as_box_i32, as_box_i64
  end interface

  interface cairn_array_of
!@array_of
  end interface

  public :: cairn_last_error, cairn_fail, cairn_wait, cairn_array_of, cairn_metadata_read_local
  public :: cairn_save_never, cairn_save_every_steps, cairn_save_every, cairn_save_at_steps, cairn_save_first_step, &
    cairn_save_on_signal, cairn_save_on_file, cairn_save_before_deadline, cairn_save_young_daly, &
    cairn_save_overhead_below, cairn_save_any_of, cairn_save_all_of, cairn_save_by
  public :: cairn_keep_all, cairn_keep_latest, cairn_keep_best, cairn_keep_every_steps, cairn_keep_every, &
    cairn_keep_steps, cairn_keep_any_of, cairn_keep_all_of, cairn_keep_by
!@interfaces

contains

!@include errors.f90
!@include views.f90
!@include tree.f90
!@include rows.f90
!@include operations.f90
!@include reports.f90
!@include metadata.f90
!@include checkpointables.f90
!@include stateful.f90
!@include handlers.f90
!@include policies.f90
!@include checkpointer.f90
!@bodies
end module
