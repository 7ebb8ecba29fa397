# Printing for the scripts: sourced, never run. Colour only where a person looks and NO_COLOR is not set.

if [[ -t 1 && -z "${NO_COLOR:-}" ]]; then
    bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
else
    bold='' red='' green='' yellow='' plain=''
fi

# A step that is about to happen.
step() { printf '%s==> %s%s\n' "$bold" "$*" "$plain"; }

# A detail of the step above.
detail() { printf '    %s\n' "$*"; }

# Something the reader should know; the script goes on.
warn() { printf '%swarning: %s%s\n' "$yellow" "$*" "$plain" >&2; }

# The reason why the script ends here.
fail() {
    printf '%serror: %s%s\n' "$red" "$*" "$plain" >&2
    exit 1
}

# 83 -> 1m 23s
duration() {
    local seconds=$1
    if ((seconds >= 60)); then printf '%dm %02ds' $((seconds / 60)) $((seconds % 60)); else printf '%ds' "$seconds"; fi
}
