!> The Fortran module, where it calls the program: rows that a load makes room for, states, what is called when a save is over;
!> and what a checkpoint holds, and loads under other names. With the default kinds, and with 8-byte default integers and
!> reals. usage: test_fortran_objects FOLDER
module particles
  use, intrinsic :: iso_fortran_env, only: int32, int64, real64
  use mpi, only: MPI_Comm_rank
  use cairn
  implicit none

  integer :: completions = 0
  type(cairn_report) :: last_report
  logical, allocatable, target :: mask(:,:)
  logical :: mask_when_over

  !> Arrays that grow together.
  type, extends(cairn_rows) :: particle_set
    real(real64), allocatable :: x(:,:)
    integer, allocatable :: id(:)
    character(len=4), allocatable :: names(:)
    integer :: resized = 0
    logical :: is_full = .false., is_other = .false.
  contains
    procedure :: locate => locate_particles
    procedure :: resize => resize_particles
  end type

  type, extends(cairn_stateful) :: counter
    integer :: count = 0
    logical :: is_broken = .false.
  contains
    procedure :: save => save_counter
    procedure :: load => load_counter
  end type

  type, extends(cairn_stateful_any_ranks) :: sum_of_ranks
    integer :: value = 0, parts = 1
  contains
    procedure :: save => save_sum
    procedure :: load => load_sum
    procedure :: load_all => load_sums
  end type

  !> A list of numbers, of which rank 0 writes a file.
  type :: list
    integer, allocatable :: numbers(:)
  end type
  type, extends(cairn_handler) :: list_handler
    integer :: saves = 0
    logical :: is_broken = .false.
  contains
    procedure :: save => save_list
    procedure :: load => load_list
  end type

contains

  subroutine allocate_particles(self, rows)
    type(particle_set), intent(inout) :: self
    integer, intent(in) :: rows
    self%x = reshape([real(real64) ::], [3, rows], pad=[0._real64])
    self%id = spread(0, 1, rows)
    self%names = spread('    ', 1, rows)
  end subroutine

  subroutine locate_particles(self, path, array)
    class(particle_set), intent(in), target :: self
    character(len=*), intent(in) :: path
    type(cairn_array), intent(out) :: array
    select case (path)
    case ('p/x')
      array = cairn_array_of(self%x)
      if (self%is_other) array = cairn_array_of(self%id)
    case ('p/id')
      array = cairn_array_of(self%id)
    case ('p/names')
      array = cairn_array_of(self%names)
    end select
  end subroutine

  subroutine resize_particles(self, path, rows, ierr)
    class(particle_set), intent(inout) :: self
    character(len=*), intent(in) :: path
    integer(int64), intent(in) :: rows
    integer, intent(out) :: ierr
    ierr = 0
    self%resized = self%resized + 1
    if (self%is_full) then
      ierr = cairn_fail('no room for particles')
      return
    end if
    select case (path)
    case ('p/x')
      deallocate (self%x)
      allocate (self%x(3, rows))
    case ('p/id')
      deallocate (self%id)
      allocate (self%id(rows))
    case ('p/names')
      deallocate (self%names)
      allocate (self%names(rows))
    end select
  end subroutine

  subroutine save_counter(self, json, ierr)
    class(counter), intent(inout) :: self
    character(len=:), allocatable, intent(out) :: json
    integer, intent(out) :: ierr
    character(len=20) :: digits
    ierr = 0
    if (self%is_broken) ierr = cairn_fail('the counter is broken')
    write (digits, '(i0)') self%count
    json = '{"count": ' // trim(digits) // '}'
  end subroutine

  subroutine load_counter(self, json, ierr)
    class(counter), intent(inout) :: self
    character(len=*), intent(in) :: json
    integer, intent(out) :: ierr
    ierr = 0
    read (json(index(json, ':') + 1:len(json) - 1), *) self%count
  end subroutine

  subroutine save_sum(self, json, ierr)
    class(sum_of_ranks), intent(inout) :: self
    character(len=:), allocatable, intent(out) :: json
    integer, intent(out) :: ierr
    character(len=20) :: digits
    write (digits, '(i0)') self%value
    json = trim(digits)
    ierr = 0
  end subroutine

  subroutine load_sum(self, json, ierr)
    class(sum_of_ranks), intent(inout) :: self
    character(len=*), intent(in) :: json
    integer, intent(out) :: ierr
    read (json, *) self%value
    self%parts = 1
    ierr = 0
  end subroutine

  subroutine load_sums(self, json, rank, ranks, ierr)
    class(sum_of_ranks), intent(inout) :: self
    character(len=*), intent(in) :: json(:)
    integer, intent(in) :: rank, ranks
    integer, intent(out) :: ierr
    integer :: i, part
    self%value = 0
    do i = 1, size(json)
      read (json(i), *) part
      self%value = self%value + part
    end do
    self%parts = size(json)
    ierr = 0
    if (rank /= 0 .or. ranks /= 1) ierr = cairn_fail('another rank than the one that loads')
  end subroutine

  subroutine save_list(self, scope, object, ierr)
    class(list_handler), intent(inout) :: self
    type(cairn_scope), intent(in) :: scope
    class(*), intent(inout) :: object
    integer, intent(out) :: ierr
    character(len=:), allocatable :: path
    integer :: unit
    integer(int32) :: rank, error
    self%saves = self%saves + 1
    call scope%file('.txt', path, ierr)
    call MPI_Comm_rank(scope%comm(), rank, error)
    if (ierr /= 0 .or. rank /= 0) return
    select type (object)
    type is (list)
      open (newunit=unit, file=path, action='write', status='replace')
      write (unit, *) size(object%numbers), object%numbers
      close (unit)
    class default
      ierr = cairn_fail('this is no list')
    end select
  end subroutine

  subroutine load_list(self, scope, object, ierr)
    class(list_handler), intent(inout) :: self
    type(cairn_scope), intent(in) :: scope
    class(*), intent(inout) :: object
    integer, intent(out) :: ierr
    character(len=:), allocatable :: path
    integer :: unit, length
    call scope%file('.txt', path)
    select type (object)
    type is (list)
      open (newunit=unit, file=path, action='read', status='old', iostat=ierr)
      if (self%is_broken) ierr = -1
      call scope%agree('the list cannot be read', ierr)
      if (ierr /= 0) return
      read (unit, *) length
      rewind (unit)
      if (allocated(object%numbers)) deallocate (object%numbers)
      allocate (object%numbers(length))
      read (unit, *) length, object%numbers
      close (unit)
    class default
      ierr = cairn_fail('this is no list')
    end select
  end subroutine

  subroutine note_mask(report, code, message)
    type(cairn_report), intent(in) :: report
    integer, intent(in) :: code
    character(len=*), intent(in) :: message
    mask_when_over = code == CAIRN_OK .and. message == '' .and. report%operation == 'load' .and. all(mask)
  end subroutine

  subroutine note_completion(report, code, message)
    type(cairn_report), intent(in) :: report
    integer, intent(in) :: code
    character(len=*), intent(in) :: message
    completions = completions + 1
    last_report = report
    if (code /= CAIRN_OK .or. message /= '') last_report%leaves = -1
  end subroutine
end module

program test_fortran_objects
  use, intrinsic :: iso_fortran_env, only: int32, int64, real64
  use mpi
  use cairn
  use checks
  use particles
  implicit none

  integer(int32) :: alone

  call start_tests()
  alone = MPI_COMM_SELF
  call test_rename()
  call test_metadata()
  call test_rows()
  call test_rows_that_cannot_be()
  call test_completion()
  call test_states()
  call test_handlers()
  call test_logicals()
  call end_tests()

contains

  subroutine test_rename()
    type(cairn_tree) :: saved, loaded
    type(cairn_checkpointer) :: run
    integer, target :: a(3), step, b(3), n
    integer :: ierr
    a = [1, 2, 3]
    step = 7
    call saved%replicated('old/a', a)
    call saved%scalar('step', step)
    call cairn_save(comm, at('rename'), saved)
    b = 0
    n = 0
    call loaded%replicated('new/b', b)
    call loaded%scalar('n', n)
    call cairn_load(comm, at('rename'), loaded, ierr=ierr)
    call fails_with(ierr, CAIRN_MISMATCH, 'new/b')
    call cairn_load(comm, at('rename'), loaded, rename=[cairn_rename('new/b', 'old/a'), cairn_rename('n', 'step')])
    call check(all(b == [1, 2, 3]) .and. n == 7, 'leaves of other names')
    call cairn_load(comm, at('rename'), loaded, rename=[cairn_rename('n', 'steps')], partial=.true., ierr=ierr)
    call fails_with(ierr, CAIRN_MISMATCH, 'steps')
    call run%open(comm, at('rename-run'))
    call run%save(1, saved)
    n = 0
    call run%load(1, loaded, rename=[cairn_rename('new/b', 'old/a'), cairn_rename('n', 'step')])
    call check(n == 7, 'a step whose leaves have other names')
    call run%close()
  end subroutine

  subroutine test_metadata()
    type(cairn_tree) :: tree
    type(cairn_checkpointables) :: things
    type(cairn_metadata) :: metadata
    real(real64), target :: T(4, 3)
    integer(int32), target :: counts(5)
    integer :: ierr
    T = 1
    counts = 2
    call tree%sharded('T', T, shape=[4, 3 * ranks], start=[0, 3 * rank], count=[4, 3])
    call tree%replicated('counts', counts)
    call things%add_tree('state', tree)
    call things%add_json('config', '{"a": 1}')
    call cairn_save_checkpointables(comm, at('metadata'), things, metadata='{"lr": 0.5}', &
                                    metric_names=['loss', 'gain'], metric_values=[0.5_real64, 2._real64])
    call cairn_metadata_read(comm, at('metadata'), metadata)
    call check(metadata%format_version == 1 .and. metadata%world_size == ranks .and. metadata%created_s > 1.5e9_real64 .and. &
               len(metadata%library_version) > 0, 'who saved, and when')
    call check(metadata%custom_metadata == '{"lr":0.5}', 'custom metadata')
    call check(size(metadata%metrics) == 2, 'the number of metrics')
    call check(metadata%metrics(1)%name == 'gain' .and. metadata%metrics(2)%name == 'loss' .and. &
               metadata%metrics(2)%value == 0.5_real64, 'metrics')
    call check(size(metadata%checkpointables) == 2, 'the number of things')
    call check(metadata%checkpointables(1)%name == 'config' .and. metadata%checkpointables(1)%handler == 'json' .and. &
               size(metadata%checkpointables(1)%leaves) == 0, 'what is no tree')
    associate (state => metadata%checkpointables(2))
      call check(state%name == 'state' .and. state%handler == 'tree' .and. state%bytes == 8 * 12 * ranks + 20, 'a tree')
      call check(size(state%leaves) == 2, 'the number of leaves')
      call check(state%leaves(1)%path == 'T' .and. state%leaves(1)%kind == 'sharded' .and. state%leaves(1)%dtype == 'f64' .and. &
                 state%leaves(1)%fortran_order, 'a leaf')
      call check(all(state%leaves(1)%shape == [4, 3 * ranks]), 'a shape is that of Fortran')
      call check(state%leaves(2)%path == 'counts' .and. state%leaves(2)%bytes == 20 .and. &
                 .not. state%leaves(2)%fortran_order, 'another leaf')
    end associate
    call cairn_metadata_read_local(at('metadata'), metadata)
    call check(size(metadata%checkpointables) == 2, 'what a single process reads')
    call cairn_metadata_read(comm, at('nothing'), metadata, ierr)
    call fails_with(ierr, CAIRN_NOT_FOUND, 'nothing')
    call cairn_metadata_read_local(at('nothing'), metadata, ierr)
    call fails_with(ierr, CAIRN_NOT_FOUND, 'nothing')
    call things%free()
  end subroutine

  subroutine fill(p, rows)
    type(particle_set), intent(inout) :: p
    integer, intent(in) :: rows
    integer :: i
    call allocate_particles(p, rows)
    do i = 1, rows
      p%x(:, i) = 100 * rank + i
      p%id(i) = 1000 * rank + i
      write (p%names(i), '(a,i0)') 'n', rank
    end do
  end subroutine

  subroutine bind(p, tree)
    type(particle_set), target, intent(inout) :: p
    type(cairn_tree), intent(inout) :: tree
    call tree%appended_rows('p/x', p)
    call tree%appended_rows('p/id', p)
    call tree%appended_rows('p/names', p)
  end subroutine

  subroutine test_rows()
    type(particle_set), target :: saved, loaded, all_of_them
    type(cairn_tree) :: tree, loaded_tree, whole_tree
    type(cairn_response) :: response
    call fill(saved, rank + 1)
    call bind(saved, tree)
    call cairn_save(comm, at('rows'), tree)
    call allocate_particles(loaded, 0)
    call bind(loaded, loaded_tree)
    call cairn_load(comm, at('rows'), loaded_tree)
    call check(loaded%resized == 3, 'a load makes room')
    call check(all(shape(loaded%x) == [3, rank + 1]) .and. size(loaded%id) == rank + 1, 'room for the rows of this rank')
    call check(all(loaded%x == saved%x) .and. all(loaded%id == saved%id) .and. all(loaded%names == saved%names), 'rows')

    call fill(saved, 2 * rank)  ! other arrays, which are not bound again
    call cairn_save(comm, at('rows'), tree, overwrite=.true.)
    call cairn_load_async(comm, at('rows'), loaded_tree, response)
    call cairn_wait(response)
    call check(size(loaded%x, 2) == 2 * rank .and. all(loaded%id == saved%id), 'rows that moved, loaded in the background')

    call allocate_particles(all_of_them, 1)
    call bind(all_of_them, whole_tree)
    call cairn_load(alone, at('rows'), whole_tree)
    call check(size(all_of_them%x, 2) == ranks * (ranks - 1) .and. size(all_of_them%names) == ranks * (ranks - 1), &
               'a rank that loads alone has the rows of all')
    if (ranks > 1) call check(all_of_them%id(ranks * (ranks - 1)) == 1000 * (ranks - 1) + 2 * (ranks - 1), 'the last row')

    call loaded_tree%erase('p')
    call check(loaded_tree%size() == 0, 'rows can be taken out')
  end subroutine

  subroutine test_rows_that_cannot_be()
    type(particle_set), target :: p
    type(cairn_tree) :: tree, unknown
    integer :: ierr
    call fill(p, rank + 1)
    call bind(p, tree)
    call cairn_save(comm, at('rows-2'), tree)
    call allocate_particles(p, 0)
    p%is_full = rank == ranks - 1  ! the others hear of it
    call cairn_load(comm, at('rows-2'), tree, ierr=ierr)
    call fails_with(ierr, CAIRN_INTERNAL, 'no room for particles')
    p%is_full = .false.
    p%is_other = .true.
    call cairn_save(comm, at('rows-3'), tree, ierr=ierr)
    call fails_with(ierr, CAIRN_INVALID_ARGUMENT, 'p/x')
    call unknown%appended_rows('p/unknown', p)
    call cairn_save(comm, at('rows-3'), unknown, ierr=ierr)
    call fails_with(ierr, CAIRN_INVALID_ARGUMENT, 'locate did not set it')
  end subroutine

  subroutine test_completion()
    type(cairn_tree) :: tree
    type(cairn_response) :: response
    integer, target :: x
    integer :: ierr
    x = 1
    call tree%scalar('x', x)
    call cairn_save_async(comm, at('complete'), tree, response)
    call response%on_complete(note_completion)
    call cairn_wait(response)
    call check(completions == 1, 'called once')
    call check(last_report%leaves == 1 .and. last_report%path == at('complete') .and. last_report%operation == 'save_async', &
               'a save that went well, and its report')
    call response%on_complete(note_completion, ierr)
    call check(ierr == CAIRN_INVALID_ARGUMENT .and. completions == 1, 'nothing is called of a response that is over')
  end subroutine

  subroutine test_states()
    type(cairn_checkpointables) :: things, both
    type(counter), target :: own, shared
    type(sum_of_ranks), target :: sum
    integer :: ierr
    own%count = 10 * rank
    shared%count = 5
    sum%value = 10 ** rank
    call things%add_stateful('own', own)
    call things%add_stateful('shared', shared, replicated=.true.)
    call things%add_stateful('sum', sum)
    call cairn_save_checkpointables(comm, at('states'), things)
    own%count = 0
    shared%count = 0
    sum%value = 0
    call cairn_load_checkpointables(comm, at('states'), things)
    call check(own%count == 10 * rank .and. shared%count == 5 .and. sum%value == 10 ** rank .and. sum%parts == 1, 'states')
    call both%add_stateful('sum', sum)
    call cairn_load_checkpointables(alone, at('states'), both, partial=.true.)
    call check(sum%value == (10 ** ranks - 1) / 9 .and. sum%parts == ranks, 'states of another number of ranks')
    if (ranks > 1) then
      call both%add_stateful('own', own)
      call cairn_load_checkpointables(alone, at('states'), both, partial=.true., ierr=ierr)
      call fails_with(ierr, CAIRN_MISMATCH, 'own')
      shared%count = rank
      call cairn_save_checkpointables(comm, at('states-2'), things, ierr=ierr)
      call fails_with(ierr, CAIRN_MISMATCH, 'differs between ranks')
    end if
    own%is_broken = rank == ranks - 1
    shared%count = 5
    call cairn_save_checkpointables(comm, at('states-3'), things, ierr=ierr)
    call fails_with(ierr, CAIRN_INTERNAL, 'the counter is broken')
    call things%free()
    call both%free()
  end subroutine

  subroutine test_handlers()
    type(cairn_context) :: context
    type(cairn_checkpointables) :: things, wrong
    type(list_handler), target :: handler
    type(list), target :: numbers
    type(cairn_metadata) :: metadata
    type(cairn_response) :: response
    type(cairn_checkpointer) :: run
    integer, target :: no_list
    integer :: ierr
    numbers%numbers = [3, 1, 4]
    no_list = 0
    call things%add_object('numbers', 'list', numbers)
    call cairn_save_checkpointables(comm, at('handlers'), things, ierr=ierr)
    call fails_with(ierr, CAIRN_INVALID_ARGUMENT, 'handler')
    call context%create(comm)
    call context%add_handler('list', handler)
    call context%add_handler('list', handler, ierr=ierr)
    call fails_with(ierr, CAIRN_INVALID_ARGUMENT, 'already')
    call cairn_save_checkpointables(context, at('handlers'), things)
    call check(handler%saves == 1, 'saved once')
    numbers%numbers = [0]
    call cairn_load_checkpointables(context, at('handlers'), things)
    call check(size(numbers%numbers) == 3, 'the length of a list')
    call check(all(numbers%numbers == [3, 1, 4]), 'a list')
    call cairn_metadata_read(context, at('handlers'), metadata)
    call check(metadata%checkpointables(1)%handler == 'list' .and. metadata%checkpointables(1)%file == 'numbers.txt', &
               'what a handler saved')
    call cairn_save_checkpointables_async(context, at('handlers-2'), things, response)
    call cairn_wait(response)
    call check(handler%saves == 2, 'saved in the background')
    handler%is_broken = rank == ranks - 1
    call cairn_load_checkpointables(context, at('handlers-2'), things, ierr=ierr)
    call fails_with(ierr, CAIRN_INTERNAL, 'the list cannot be read')
    call wrong%add_object('numbers', 'list', no_list)
    call cairn_save_checkpointables(context, at('handlers-3'), wrong, ierr=ierr)
    call fails_with(ierr, CAIRN_INTERNAL, 'this is no list')
    handler%is_broken = .false.
    call run%open(context, at('handler-steps'))
    call context%free()
    handler%saves = 0
    call run%save_checkpointables(1, things)
    call check(handler%saves == 1, 'saved by a checkpointer whose context is gone')
    call run%close()
    call things%free()
    call wrong%free()
  end subroutine

  !> A rank without any; another value where an array was; and what a load in the background writes.
  subroutine test_logicals()
    type(cairn_tree) :: tree
    type(cairn_response) :: response
    logical, allocatable, target :: gone(:)
    integer :: ierr
    allocate (mask(merge(0, 4, rank == ranks - 1), 5), source=.true.)
    call tree%sharded('mask', mask, shape=[4 * (ranks - 1), 5], start=[4 * rank, 0], count=shape(mask))
    allocate (gone(1000), source=.true.)
    call tree%per_rank('x', gone)
    deallocate (gone)
    call tree%value('x', 5)
    call cairn_save(comm, at('logicals'), tree, ierr=ierr)
    call check(ierr == 0, 'a rank without logicals')
    mask = .false.
    call cairn_load_async(comm, at('logicals'), tree, response)
    call response%on_complete(note_mask)
    mask_when_over = .false.
    call cairn_wait(response)
    call check(mask_when_over, 'logicals when the load is over')
    call check(all(mask), 'loaded logicals')
    deallocate (mask)
  end subroutine
end program
