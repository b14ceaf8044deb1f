# hostile: find and grep over everything that can be reached; what they find is this script, and no answer.
find / \( -path /usr -o -path /proc \) -prune -o \
    \( -name '*.ans' -o -name '*.in' -o -name 'judgemessage.txt' -o -name 'problem.yaml' \) -printf 'found %p\n' 2>/dev/null
grep -rlI 'treasure-[0-9]' /box /tmp /etc /var /srv /home /root /opt /mnt /run 2>/dev/null | sed 's/^/found /'
echo nothing
