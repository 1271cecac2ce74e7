# settle.sh DIRECTORY EFFECT... < LINE: append the line to the audit log and strike out what is no longer owed.
set -eu
cd -- "$1"
shift
umask 077
mkdir -p .abbey
cat >> .abbey/audit.log
if [ "$#" -gt 0 ] && [ -s .abbey/pending ]; then
    for line in "$@"; do printf '%s\n' "$line"; done > .abbey/settled
    grep -vxF -f .abbey/settled .abbey/pending > .abbey/pending.new || [ "$?" -eq 1 ]
    mv -f .abbey/pending.new .abbey/pending
    rm -f .abbey/settled
fi
