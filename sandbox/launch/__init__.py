"""Starting boxes and talking to them: the C programs `warden` and `init`, and the Python end of their sockets."""
