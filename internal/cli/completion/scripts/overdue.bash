# Completion of overdue for bash. Load it in ~/.bashrc:
#   source <(overdue completion bash)
# or write it to /usr/share/bash-completion/completions/overdue.
_overdue() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            :files) compopt -o default 2>/dev/null ;;
            ?*) COMPREPLY+=("$(printf %q "${line%%$'\t'*}")") ;;
        esac
    done < <("${COMP_WORDS[0]}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _overdue overdue
