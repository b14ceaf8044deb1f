# hostile: mounts the host's file systems by hand, by number of the call; the call ends the run.
my ($source, $target, $type) = ("none\0", "/tmp\0", "tmpfs\0");
syscall(165, $source, $target, $type, 0, 0);
print "nothing\n";
