# observe.sh DIRECTORY PROJECT < PATHS: say everything that planning needs to know about this host.
# Reads only. Always ends well, so that "not there" is an answer and a lost connection is not taken for one.
directory=$1 project=$2
export LC_ALL=C
section() { printf '#abbey:%s\n' "$1"; }

work=$(mktemp -d) || exit 1
trap 'rm -rf -- "$work"' EXIT
cat > "$work/paths"
if command -v docker > /dev/null 2>&1; then
    docker version --format '{{.Server.Version}}' > "$work/engine" 2> "$work/engine.err" &
    docker compose version --short > "$work/compose" 2> /dev/null &
    docker ps --all --no-trunc --filter "label=com.docker.compose.project=$project" --format '{"service":{{json (.Label "com.docker.compose.service")}},"oneoff":{{json (.Label "com.docker.compose.oneoff")}},"config":{{json (.Label "abbey.config")}},"image":{{json .Image}},"state":{{json .State}},"status":{{json .Status}},"ports":{{json .Ports}}}' > "$work/containers" 2> /dev/null &
    docker image ls --no-trunc --digests --format '{"repository":{{json .Repository}},"tag":{{json .Tag}},"digest":{{json .Digest}},"id":{{json .ID}}}' > "$work/images" 2> /dev/null &
else
    echo 'docker: not found' > "$work/engine.err"
fi

if cd -- "$directory" 2> /dev/null; then
    section lock
    if [ -d .abbey/lock ]; then
        echo $(($(date +%s) - $(stat -c %Y .abbey/lock)))
        cat .abbey/lock/owner 2> /dev/null
        echo
    fi
    section managed
    cat .abbey/manifest.sha256 2> /dev/null
    section pending
    cat .abbey/pending 2> /dev/null
    { cat "$work/paths"; cut -c 67- .abbey/manifest.sha256 2> /dev/null; } | sort -u | while IFS= read -r path; do
        if [ -f "$path" ]; then printf '%s\n' "$path"; fi
    done | tr '\n' '\0' > "$work/files"
    section modes
    xargs -0 -r stat -L -c '%a %n' -- < "$work/files"
    section digests
    xargs -0 -r sha256sum -- < "$work/files"
fi
wait
for name in engine engine.err compose containers images; do
    section "$name"
    cat "$work/$name" 2> /dev/null
done
section end
exit 0
