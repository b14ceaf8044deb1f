# hostile: the environment, the command lines and the mounts, for paths of the package; they name no place of the host.
words=$({
    env
    cat /proc/self/environ /proc/1/environ /proc/1/cmdline /proc/self/mountinfo /proc/self/cgroup
    ls -l /proc/self/fd /proc/self/cwd
} 2>/dev/null | tr '\0' '\n')
for word in secret .ans problems data/ submissions sandbox-judge; do
    [[ $words == *"$word"* ]] && echo "found $word" "$(grep -aF "$word" <<<"$words" | head -3)"
done
echo nothing
