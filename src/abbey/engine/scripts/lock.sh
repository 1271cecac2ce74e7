# lock.sh DIRECTORY < OWNER: take the lock, or say since how many seconds who has it and end with 75.
set -eu
umask 022
mkdir -p -- "$1"
cd -- "$1"
umask 077
mkdir -p .abbey
if mkdir .abbey/lock 2> /dev/null; then
    cat > .abbey/lock/owner
    exit 0
fi
if [ ! -d .abbey/lock ]; then
    echo 'the folder .abbey cannot be written' >&2
    exit 1
fi
echo $(($(date +%s) - $(stat -c %Y .abbey/lock)))
cat .abbey/lock/owner 2> /dev/null || :
exit 75
