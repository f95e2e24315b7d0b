!> What the code blocks of a document in Fortran find, besides what they make themselves. A block may use any of it, and need
!> not; it is made anew for each. Each runs in an empty directory of its own. What is bound to `state` after a block must be
!> fit to be saved.
module code_blocks
  use, intrinsic :: iso_c_binding, only: c_int
  use, intrinsic :: iso_fortran_env, only: real64
  use mpi
  use cairn
  implicit none
  public

  integer :: nx, ny                            ! a global field; each rank holds some of its columns
  integer :: mx, my, x0, y0                    ! how many points, and where they begin, 0-based
  integer :: i1, i2, j1, j2                    ! the same by bounds
  real(real64), allocatable, target :: T(:,:)  ! for the block to allocate
  real(real64), allocatable, target :: U(:,:)  ! is bound to `state`
  integer, target :: step
  integer :: last, status
  logical :: stop_now
  real(real64) :: loss
  type(cairn_tree) :: state                    ! holds U and `step`; old.ckpt has the same field as T
  type(cairn_context) :: context
  type(cairn_checkpointer) :: run

  interface
    subroutine enter_block(line) bind(C)
      import :: c_int
      integer(c_int), value :: line
    end subroutine
    subroutine leave_block(line) bind(C)
      import :: c_int
      integer(c_int), value :: line
    end subroutine
  end interface

contains

  subroutine run_block(line, block_of_code)
    integer, intent(in) :: line
    external :: block_of_code
    call enter_block(int(line, c_int))
    call make_setting()
    call block_of_code()
    call cairn_save(MPI_COMM_WORLD, 'after.ckpt', state)
    call leave_block(int(line, c_int))
  end subroutine

  subroutine make_setting()
    integer :: rank, ranks, error
    type(cairn_tree) :: empty, old
    call MPI_Comm_rank(MPI_COMM_WORLD, rank, error)
    call MPI_Comm_size(MPI_COMM_WORLD, ranks, error)
    nx = 40
    ny = 100
    x0 = 0
    y0 = ny * rank / ranks
    mx = nx
    my = ny * (rank + 1) / ranks - y0
    i1 = x0 + 1
    i2 = x0 + mx
    j1 = y0 + 1
    j2 = y0 + my
    step = 7
    last = 250
    loss = 0.5_real64
    if (allocated(T)) deallocate (T)
    if (allocated(U)) deallocate (U)
    allocate (U(mx, my), source=300._real64)
    call old%sharded('T', U, shape=[nx, ny], start=[x0, y0], count=[mx, my])
    call old%scalar('step', step)
    call cairn_save(MPI_COMM_WORLD, 'old.ckpt', old)
    state = empty
    call state%sharded('U', U, shape=[nx, ny], start=[x0, y0], count=[mx, my])
    call state%scalar('step', step)
  end subroutine

  subroutine step_the_model()
    U = U + 1
  end subroutine

  subroutine advance()
    U = U + 1
  end subroutine
end module
