!> The Fortran module: round trips, C++ at the other end, errors, the background, checkpointables, a Checkpointer.
!> Built with the default kinds, and once more with 8-byte default integers and reals.
!> usage: test_fortran FOLDER
program test_fortran
  use, intrinsic :: iso_c_binding
  use, intrinsic :: iso_fortran_env, only: int8, int16, int32, int64, real32, real64
  use mpi
  use cairn
  use checks
  implicit none

  interface
    !> By the C++ library: how many values are wrong. Collective.
    function count_wrong_values(path) result(wrong) bind(C)
      import
      character(kind=c_char), intent(in) :: path(*)
      integer(c_int) :: wrong
    end function
    !> By the C++ library: whether those are the arrays in Fortran's order, and nothing is wrong. Collective.
    function has_orders(path, expected) result(yes) bind(C)
      import
      character(kind=c_char), intent(in) :: path(*), expected(*)
      integer(c_int) :: yes
    end function
    !> Writes what test_from_cpp loads. Collective.
    subroutine write_by_cpp(path) bind(C)
      import
      character(kind=c_char), intent(in) :: path(*)
    end subroutine
  end interface

  integer, parameter :: nx = 4, ny = 3

  type :: state
    real(real64), allocatable :: T(:,:), U(:,:), columns(:,:), particles(:,:)
    integer(int32), allocatable :: cube(:,:,:)
    complex(real32), allocatable :: spectrum(:)
    logical, allocatable :: mask(:,:)
    integer :: counts(3) = 0
    real :: reals(2) = 0
    integer(int16) :: small = 0
    integer :: step = 0
    logical :: flag = .false.
    character(len=5) :: names(2) = ''
    character(len=20) :: note = ''
  end type

  call start_tests()
  call test_round_trip()
  call test_owned()
  call test_from_cpp()
  call test_background()
  call test_errors()
  call test_checkpointables()
  call test_partial()
  call test_checkpointer()
  call end_tests()

contains

  !> Everything zero, in memory of the sizes that this rank has.
  subroutine make(s)
    type(state), intent(out) :: s
    allocate (s%T(0:nx + 1, 0:ny + 1), source=0._real64)
    allocate (s%U(-1:nx, rank * ny:rank * ny + ny + 1), source=0._real64)  ! rows 0 to nx-1, columns from rank*ny+1 on
    allocate (s%columns(2 * nx, ny), source=0._real64)
    allocate (s%particles(3, rank + 1), source=0._real64)
    allocate (s%cube(2, 3, 4), source=0_int32)
    allocate (s%spectrum(2), source=(0._real32, 0._real32))
    allocate (s%mask(3, 2), source=.false.)
  end subroutine

  subroutine fill(s)
    type(state), intent(out) :: s
    integer :: i, j, k
    call make(s)
    do j = 1, ny
      do i = 1, nx
        s%T(i, j) = global_value(i, rank * ny + j)
        s%U(i - 1, rank * ny + j) = 2 * global_value(i, rank * ny + j)
        s%columns(2 * i - 1, j) = 3 * global_value(i, rank * ny + j)
      end do
    end do
    do k = 1, 4
      do j = 1, 3
        do i = 1, 2
          s%cube(i, j, k) = int(100 * i + 10 * j + k, int32)
        end do
      end do
    end do
    s%particles = reshape([(real(100 * rank + i, real64), i=1, 3 * (rank + 1))], [3, rank + 1])
    s%spectrum = [cmplx(rank, 1, real32), cmplx(rank, 2, real32)]
    s%mask = reshape([.true., .false., .true., .true., .false., .false.], [3, 2])
    s%counts = [7, 8, 9]
    s%reals = [0.5, 0.25]
    s%small = -3_int16
    s%step = 42
    s%flag = .true.
    s%names = ['alpha', 'beta ']
    s%note = 'a note'
  end subroutine

  pure function global_value(i, j)
    integer, intent(in) :: i, j
    real(real64) :: global_value
    global_value = 100 * i + j
  end function

  subroutine bind(s, tree)
    type(state), target, intent(in) :: s
    type(cairn_tree), intent(inout) :: tree
    integer :: shape(2), start(2), count(2)
    shape = [nx, ranks * ny]
    start = [0, rank * ny]
    count = [nx, ny]
    call tree%sharded('T', s%T, shape, start, count, memory_start=[1, 1])
    call tree%sharded_bounds('U', s%U, global_lower=[0, 1], global_upper=[nx - 1, ranks * ny], &
                             own_lower=[0, rank * ny + 1], own_upper=[nx - 1, rank * ny + ny], memory_lower=lbound(s%U))
    call tree%sharded('columns', s%columns(1:2 * nx:2, :), int(shape, int64), int(start, int64), int(count, int64))
    call tree%appended('particles/x', s%particles)
    call tree%replicated('cube', s%cube)
    call tree%per_rank('spectrum', s%spectrum)
    call tree%replicated('mask', s%mask)
    call tree%replicated('counts', s%counts)
    call tree%replicated('reals', s%reals)
    call tree%replicated('names', s%names)
    call tree%scalar('small', s%small)
    call tree%scalar('step', s%step)
    call tree%scalar('flag', s%flag)
    call tree%string('note', s%note)
  end subroutine

  subroutine compare(a, b, where)
    type(state), intent(in) :: a, b
    character(len=*), intent(in) :: where
    call check(all(a%T == b%T), where // ': T')
    call check(all(a%U == b%U), where // ': U')
    call check(all(a%columns == b%columns), where // ': columns')
    call check(all(a%particles == b%particles), where // ': particles')
    call check(all(a%cube == b%cube), where // ': cube')
    call check(all(a%spectrum == b%spectrum), where // ': spectrum')
    call check(all(a%mask .eqv. b%mask), where // ': mask')
    call check(all(a%counts == b%counts) .and. all(a%reals == b%reals), where // ': default kinds')
    call check(a%small == b%small .and. a%step == b%step .and. (a%flag .eqv. b%flag), where // ': scalars')
    call check(all(a%names == b%names) .and. a%note == b%note, where // ': text')
  end subroutine

  subroutine test_round_trip()
    type(state), target :: saved, loaded
    type(cairn_tree) :: tree, target_tree, same
    integer :: problems, ierr
    logical :: there
    call fill(saved)
    call bind(saved, tree)
    call tree%text('own/text', 'fixed')
    call tree%value('own/value', 1.5_real64)
    call tree%value('own/yes', .true.)
    call cairn_save(comm, at('round_trip'), tree, metadata='{"lr": 1}', metric_names=['loss  ', 'gain  '], &
                    metric_values=[0.5_real64, 2._real64])
    call make(loaded)
    call bind(loaded, target_tree)
    call cairn_load(comm, at('round_trip'), target_tree, partial=.true.)
    call compare(saved, loaded, 'round trip')
    call check(loaded%T(0, 0) == 0 .and. loaded%columns(2, 1) == 0, 'what is around a box is untouched')
    call cairn_save(comm, at('round_trip'), tree, ierr=ierr)
    call fails_with(ierr, CAIRN_ALREADY_EXISTS, 'round_trip')
    call cairn_save(int(comm, int64), at('round_trip'), tree, overwrite=.true.)
    call check(count_wrong_values(at('round_trip') // c_null_char) == 0, 'C++ finds other values')
    call check(has_orders(at('round_trip') // c_null_char, 'T U columns cube mask names particles/x spectrum ' // &
                          c_null_char) == 1, 'arrays of two dimensions say that they are Fortran''s')
    call cairn_verify(comm, at('round_trip'), problems)
    call check(problems == 0, 'verify')
    call cairn_is_checkpoint(comm, at('round_trip'), there)
    call check(there, 'is_checkpoint')
    same = tree
    call same%erase('own')
    call check(tree%size() == 14 .and. .not. tree%contains('own'), 'an assigned tree is the same tree')
  end subroutine

  subroutine test_owned()
    type(cairn_tree) :: tree
    real(real64), allocatable :: T(:,:)
    logical, allocatable :: mask(:,:)
    integer, allocatable :: counts(:)
    character(len=:), allocatable :: note
    integer :: step, ierr
    logical :: yes
    call cairn_load_owned(comm, at('round_trip'), tree, whole=.true.)
    call tree%get('T', T)
    call check(all(shape(T) == [nx, ranks * ny]), 'the shape of an own array')
    call check(T(2, ny * ranks) == global_value(2, ny * ranks), 'the values of an own array')
    call tree%get('mask', mask)
    call check(count(mask) == 3 .and. mask(3, 1), 'own logicals')
    call tree%get('counts', counts)
    call check(all(counts == [7, 8, 9]), 'own integers')
    call tree%get('step', step)
    call tree%get('own/yes', yes)
    call check(step == 42 .and. yes, 'own scalars')
    call tree%get_text('note', note)
    call check(note == 'a note', 'own text')
    call tree%get('nothing', step, ierr)
    call check(ierr == CAIRN_NOT_FOUND, 'a leaf that is not there')
  end subroutine

  subroutine test_from_cpp()
    type(cairn_tree) :: tree
    real(real64), target :: field(2, 3)
    integer(int32), target :: whole(2)
    logical, target :: flags(2)
    character(len=8), target :: text
    call write_by_cpp(at('from_cpp') // c_null_char)
    call check(has_orders(at('from_cpp') // c_null_char, c_null_char) == 1, 'arrays of C++ do not say that they are Fortran''s')
    flags = .false.
    call tree%sharded('field', field, shape=[2, 3 * ranks], start=[0, 3 * rank], count=[2, 3])
    call tree%replicated('whole', whole)
    call tree%replicated('flags', flags)
    call tree%string('text', text)
    call cairn_load(comm, at('from_cpp'), tree)
    call check(field(2, 3) == 10 * (3 * rank + 2) + 1 .and. field(1, 1) == 30 * rank, 'an array of C++')
    call check(all(whole == [5, 6]) .and. flags(1) .and. .not. flags(2) .and. text == 'from C++', 'other leaves of C++')
  end subroutine

  subroutine test_background()
    type(state), target :: saved, other
    type(cairn_tree) :: tree
    type(cairn_response) :: response
    type(cairn_context) :: context
    character(len=:), allocatable :: text
    integer :: ierr
    call fill(saved)
    call fill(other)
    call bind(other, tree)
    call context%create(comm)
    call context%set('io.threads', '2')
    call context%get('io.threads', text)
    call check(text == '2', 'an option that was set')
    call context%set('io.threads', 'many', ierr)
    call fails_with(ierr, CAIRN_INVALID_ARGUMENT, 'whole number')
    call cairn_save_async(context, at('background'), tree, response)
    call check(response%snapshotted() .and. response%valid(), 'a response')
    call clear(other)
    call cairn_wait(response)
    call check(.not. response%valid(), 'a response that was waited for')
    call cairn_load_async(context, at('background'), tree, response)
    call cairn_wait(response)
    call compare(saved, other, 'in the background')
    call cairn_save_async(comm, at('cancelled'), tree, response)
    call response%cancel()
    call context%free()
  end subroutine

  subroutine clear(s)
    type(state), intent(inout) :: s
    s%T(1:nx, 1:ny) = 0
    s%U(0:nx - 1, rank * ny + 1:rank * ny + ny) = 0
    s%columns(1:2 * nx:2, :) = 0
    s%particles = 0
    s%cube = 0
    s%spectrum = 0
    s%mask = .false.
    s%counts = 0
    s%reals = 0
    s%small = 0
    s%step = 0
    s%flag = .false.
    s%names = ''
    s%note = ''
  end subroutine

  subroutine test_errors()
    type(cairn_tree) :: tree
    real(real64), target :: x(4)
    logical, target :: flags(6)
    integer :: ierr
    x = 0
    flags = .true.
    call tree%replicated('x', x)
    call tree%replicated('flags', flags(1:3))
    if (rank == ranks - 1) then  ! the others hear of it
      call tree%sharded('y', x, shape=[4, 1], start=[0], count=[4])
      call tree%sharded('z', x, shape=[8], start=[0], count=[2])
      call tree%replicated('flags', flags(1:6:2))
    end if
    call cairn_save(comm, at('wrong'), tree, ierr=ierr)
    call fails_with(ierr, CAIRN_INVALID_ARGUMENT, 'a section of a logical array')
    call check(index(cairn_last_error(), 'another length') > 0, 'extents of another length')
    call check(index(cairn_last_error(), 'memory_start') > 0, 'an array that is larger than its box')
  end subroutine

  subroutine test_checkpointables()
    type(cairn_checkpointables) :: things
    type(cairn_tree) :: tree
    logical, target :: flags(2)
    character(len=:), allocatable :: json
    type(cairn_response) :: response
    flags = [.true., .false.]
    call tree%replicated('flags', flags)
    call things%add_tree('model', tree)
    call things%add_json('config', '{"a": [1]}')
    call cairn_save_checkpointables(comm, at('things'), things)
    flags = .false.
    call cairn_load_checkpointables(comm, at('things'), things)
    call check(flags(1) .and. .not. flags(2), 'a tree among things')
    call things%get_json('config', json)
    call check(json == '{"a":[1]}', 'JSON among things')
    call cairn_save_checkpointables_async(comm, at('things-2'), things, response)
    call cairn_wait(response)
    call things%free()
  end subroutine

  subroutine test_partial()
    type(state), target :: saved, loaded
    type(cairn_tree) :: tree, rest, all
    real(real64), target :: late(2, 3)
    call fill(saved)
    call bind(saved, tree)
    late = 1
    call rest%replicated('late', late)
    call cairn_partial_save(comm, at('partial'), tree)
    call cairn_partial_save(comm, at('partial'), rest)
    call cairn_partial_finalize(comm, at('partial'))
    call check(has_orders(at('partial') // c_null_char, 'T U columns cube late mask names particles/x spectrum ' // &
                          c_null_char) == 1, 'a merged file keeps the order')
    call make(loaded)
    call bind(loaded, all)
    call all%replicated('late', late)
    call cairn_load(comm, at('partial'), all)
    call compare(saved, loaded, 'in several calls')
  end subroutine

  subroutine test_checkpointer()
    type(cairn_checkpointer) :: run
    type(cairn_tree) :: tree
    integer, target :: x
    integer :: step, ierr
    integer(int64) :: newest
    logical :: saved, stop_now, answer
    call tree%scalar('x', x)
    call run%open(comm, at('run'), save_when=cairn_save_any_of([cairn_save_every_steps(2), cairn_save_on_file(at('STOP'))]), &
                  keep=cairn_keep_any_of([cairn_keep_latest(2), cairn_keep_best('loss', 1)]), prefix='step_', digits=4)
    call run%restore_latest(tree, step)
    call check(step == -1, 'a fresh start')
    do step = 1, 6
      x = 10 * step
      call run%save_async(step, tree, metric_names=['loss'], metric_values=[real(step, real64)], saved=saved)
      call check(saved .eqv. mod(step, 2) == 0, 'what the policy says')
    end do
    call run%wait()
    call check(run%latest() == 6 .and. run%best('loss') == 2 .and. size(run%steps()) >= 3, 'what was kept')
    call run%should_stop(stop_now)
    call run%should_save(8, answer)
    call check(.not. stop_now .and. answer .and. run%exit_status() == 0, 'questions')
    call run%pin(2)
    call run%remove(2, ierr)
    call fails_with(ierr, CAIRN_LOCKED, '2')
    call run%unpin(2)
    call run%load(4_int64, tree)
    call check(x == 40, 'a step that was named')
    call run%save(7_int64, tree, force=.true.)
    ! Opened without being closed: what it was before is gone, and its lock with it.
    call run%open(comm, at('run'))
    call run%save(8_int64, tree, force=.true.)
    call run%remove(8)
    call run%close()
    x = 0
    call run%open(comm, at('run'))
    call run%restore_latest(tree, newest)
    call check(newest == 7 .and. x == 40, 'the newest step')
    call run%close()
  end subroutine
end program
