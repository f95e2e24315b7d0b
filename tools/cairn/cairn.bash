# Completion of `cairn` in bash.

_cairn() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} options=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W 'ls show cat verify diff pin unpin rm gc env --help --version' -- "$current")
    return
  fi
  case $before in
    --format)
      mapfile -t COMPREPLY < <(compgen -W 'text raw' -- "$current")
      return
      ;;
    --checkpointable | --slice | --atol | --rtol) return ;;
  esac
  case ${COMP_WORDS[1]} in
    ls | show | pin | unpin | env) options='--json' ;;
    cat) options='--checkpointable --slice --format --json' ;;
    verify) options='--json --progress' ;;
    diff) options='--checkpointable --atol --rtol --structure --json' ;;
    rm) options='--yes --force --json' ;;
    gc) options='--yes --damaged --json' ;;
  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options --help" -- "$current")
  else
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -d -- "$current")
  fi
}
complete -F _cairn cairn
