  ! ---- reports, and what is called when an operation is over

  function report_of(c) result(report)
    type(c_report), intent(in) :: c
    type(cairn_report) :: report
    report%operation = f_text(c%operation)
    report%path = f_text(c%path)
    report%bytes = c%bytes
    report%verified_bytes = c%verified_bytes
    report%leaves = c%leaves
    report%plan_s = c%plan_s
    report%layout_s = c%layout_s
    report%snapshot_s = c%snapshot_s
    report%write_s = c%write_s
    report%commit_s = c%commit_s
    report%blocked_s = c%blocked_s
    report%background_s = c%background_s
    report%slowest_rank = int(c%slowest_rank)
    report%slowest_host = f_text(c%slowest_host)
  end function

  subroutine response_on_complete(self, call, ierr)
    class(cairn_response), intent(inout) :: self
    procedure(cairn_on_complete) :: call
    integer, optional, intent(out) :: ierr
    type(completion_link), pointer :: link
    integer(c_int) :: code
    allocate (link)
    link%call => call
    link%loaded = self%loaded
    code = c_response_on_complete(self%handle, c_funloc(completed), c_loc(link))
    if (code /= 0) deallocate (link)
    call finish(code, self%comm, ierr)
  end subroutine

  !> Called once.
  subroutine completed(report, code, message, arg) bind(C, name='')
    type(c_report), intent(in) :: report
    integer(c_int), value :: code
    type(c_ptr), value :: message, arg
    type(completion_link), pointer :: link
    call c_f_pointer(arg, link)
    if (code == 0) call write_logicals_if_due(link%loaded)
    call link%call(report_of(report), int(code), f_text(message))
    deallocate (link)
  end subroutine
