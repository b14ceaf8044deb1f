# hostile: runs while it is compiled, and leaves links and pipes for whoever collects what was made; those are refused.
BEGIN {
    mkdir "out";
    symlink "/etc/shadow", "out/program";
    symlink "..", "out/up";
    system "mkfifo", "out/pipe";
}
print 7, "\n";
