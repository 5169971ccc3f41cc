# Completion of overdue for fish. Write it to ~/.config/fish/completions/overdue.fish, or load it:
#   overdue completion fish | source
function __overdue_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] __complete -- $words[2..-1] 2>/dev/null)
        if test "$line" = ":files"
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c overdue -f -a '(__overdue_complete)'
