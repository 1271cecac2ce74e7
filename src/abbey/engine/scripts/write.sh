# write.sh DIRECTORY < TAR: put the files of one apply in place. Nothing outside .abbey changes before all have arrived.
set -eu
umask 022
mkdir -p -- "$1"
cd -- "$1"
umask 077
mkdir -p .abbey
staging=.abbey/staging
rm -rf "$staging"
mkdir "$staging"
trap 'rm -rf "$staging"' EXIT
tar -x -m -p -o -f - -C "$staging"
if [ ! -f "$staging/put" ]; then # the last member: without it the stream was cut
    echo 'the files did not arrive completely' >&2
    exit 1
fi
sync -f "$staging" 2> /dev/null || sync

mv -f "$staging/pending" .abbey/pending
drop() {
    while IFS= read -r path; do
        rm -f -- "$path"
        folder=$path
        while case $folder in */*) true ;; *) false ;; esac; do
            folder=${folder%/*}
            rmdir -- "$folder" 2> /dev/null || break
        done
    done
}
umask 022
drop < "$staging/drop-first"
if [ -d "$staging/files/secrets" ] || [ -d secrets ]; then
    mkdir -p secrets
    chmod 700 secrets
fi
while IFS= read -r path; do
    case $path in */*) mkdir -p -- "${path%/*}" ;; esac
    # An engine makes an empty folder where a file to mount was missing.
    if [ -d "$path" ]; then rmdir -- "$path"; fi
    mv -f -- "$staging/files/$path" "$path"
done < "$staging/put"
drop < "$staging/drop-last"
mv -f "$staging/manifest.sha256" .abbey/manifest.sha256
