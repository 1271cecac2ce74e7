# owe.sh DIRECTORY EFFECT...: write down what is owed before it is begun.
set -eu
cd -- "$1"
shift
umask 077
{
    cat .abbey/pending 2> /dev/null || :
    for line in "$@"; do printf '%s\n' "$line"; done
} | sort -u > .abbey/pending.new
mv -f .abbey/pending.new .abbey/pending
