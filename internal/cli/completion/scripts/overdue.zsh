#compdef overdue
# Completion of overdue for zsh. Load it in ~/.zshrc, after compinit:
#   source <(overdue completion zsh)
# or write it to a directory of $fpath as _overdue.
_overdue() {
    local line files
    local -a candidates
    for line in "${(@f)$("${words[1]}" __complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
        case $line in
            :files) files=1 ;;
            *$'\t'*) candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
            ?*) candidates+=("${line//:/\\:}") ;;
        esac
    done
    (( $#candidates )) && _describe -t values overdue candidates
    [[ -n $files ]] && _files
}
if [[ $funcstack[1] == _overdue ]]; then
    _overdue "$@"
else
    compdef _overdue overdue
fi
