# unlock.sh DIRECTORY [TOKEN]: release the lock that carries the token; without a token, whoever holds it.
set -eu
cd -- "$1" 2> /dev/null || exit 0
if [ "$#" -eq 1 ] || grep -qF -- "$2" .abbey/lock/owner 2> /dev/null; then
    rm -rf .abbey/lock
fi
